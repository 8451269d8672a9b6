"""What `up` would refuse is left out of the file, part by part, with the reason in its place."""

from __future__ import annotations

from repository import text_of

from tarmac.adopt.survey.found import KnownPlace, Service, Store, Survey
from tarmac.adopt.writing.repair import repaired
from tarmac.base.errors import Problem

WEB = Service(
    "web",
    run="node web.js",
    ports={"http": 8080},
    env={"A": "1", "DB": "${stores.db.bucket}"},
    calls=("api",),
    stores=("cache",),
    probe="/health",
    tasks={"make": "npm run make"},
    volumes={"files": "files"},
    stop_signal="INT",
)
API = Service("api", run="node api.js", folder="lost", ports={"http": 8081})
CACHE = Store("cache", "redis", shared=True, known=KnownPlace(8080, "me", "x"))
FOUND = Survey(services=(WEB, API), stores=(Store("db", "postgres"), CACHE))


def after(what: str, found: Survey = FOUND) -> Survey:
    """Refuse the last thing on the line that begins with a text."""
    text = text_of(found)
    for number, line in enumerate(text.splitlines(), 1):
        if (column := line.find(what)) >= 0:
            where = f"some/where/tarmac.yaml:{number}:{column + len(what)}"
            return repaired(found, text, [Problem(where, "cannot be")])
    raise AssertionError(f"no line with {what}")


def test_a_part_of_a_service_is_left_out_and_said():
    for what, field, empty, said in (
        ("DB: ", "env", {"A": "1"}, "DB: ${stores.db.bucket}"),
        ("calls: [a", "calls", (), "calls api"),
        ("stores: {c", "stores", (), "uses cache"),
        ("probe: {h", "probe", "", "`probe`"),
        ("make:", "tasks", {}, "task make (`npm run make`)"),
        ("files: f", "volumes", {}, "`volumes`"),
        ("stop: {s", "stop_signal", "", "`stop`"),
    ):
        web = after(what).services[0]
        assert getattr(web, field) == empty, what
        assert web.remarks == (f"left out, {said}: cannot be",)
        assert f"# left out, {said}" in text_of(after(what))


def test_a_trait_of_a_store_is_left_out_and_the_store_stays():
    for what, field in (("shared: t", "shared"), ("local: {p", "known"), ("user: m", "known")):
        cache = after(what)
        assert not getattr(cache.stores[1], field)
        assert cache.stores[1].remarks[0].endswith(": cannot be")


def test_a_service_that_cannot_do_without_it_is_left_out_as_a_whole():
    found = after("cwd: l")
    assert [service.name for service in found.services] == ["web"]
    assert found.left_out == ("api (`node api.js`): cannot be",)
    assert "# - api (`node api.js`): cannot be" in text_of(found)


def test_a_place_that_is_nowhere_or_of_the_system_changes_nothing():
    text = text_of(FOUND)
    for where in ("tarmac.yaml:4:1", "tarmac.yaml", "service.yaml:3:4"):
        assert repaired(FOUND, text, [Problem(where, "cannot be")]) == FOUND
