"""What a try teaches: the causes that `up` names correct the file, and the rest is noted in it."""

from __future__ import annotations

import pytest
from repository import KINDS, found_in, system_of, text_of

from tarmac.adopt.writing.correct import Failure, corrected, noted, taken_back
from tarmac.run.local.diagnostics.causes import ProcessEvidence, likely_cause, wrong_ports
from tarmac.run.local.host.kernel import TcpSocket

PROCFILE = {"Procfile": "web: ./serve\nworker: ./work"}


def learnt(*causes: str, lines: tuple[str, ...] = (), files: dict[str, str] | None = None):
    failures = [Failure("web", "", cause, lines) for cause in causes]
    lessons = corrected(found_in(**(files or PROCFILE)), failures, KINDS)
    assert system_of(lessons[-1].found), text_of(lessons[-1].found)
    return lessons[-1]


def web(lesson):
    return next(service for service in lesson.found.services if service.name == "web")


def needed(name: str) -> str:
    """Say what `up` says of a variable that is not there."""
    return likely_cause(1, [f"KeyError: '{name}'"])


def test_a_program_that_listens_elsewhere_has_that_port():
    evidence = ProcessEvidence(wanted={"PORT": 5000})
    cause = wrong_ports([TcpSocket(3177, "0.0.0.0")], evidence)
    lesson = learnt(cause)
    assert (dict(web(lesson).ports), web(lesson).fixed) == ({"http": 3177}, True)
    assert lesson.is_corrected
    assert "# tried: it listens on 3177, whatever PORT says" in text_of(lesson.found)
    assert "assumed: port" not in text_of(lesson.found)


def test_a_port_that_another_one_insists_on_is_only_noted():
    files = {
        "a/package.json": '{"scripts": {"start": "node s.js"}}',
        "a/s.js": "x.listen(3177)",
        "web/Procfile": "web: ./serve",
    }
    failure = Failure("web-web", "", "it listens on 3177; expected PORT=5000; read the port")
    (lesson,) = corrected(found_in(**files), [failure], KINDS)
    assert not lesson.is_corrected
    assert lesson.note.startswith("tried: it listens on 3177; expected")


@pytest.mark.parametrize(
    ("name", "value", "stores"),
    [
        ("REDIS_URL", "${stores.cache.url}", {"cache": "redis"}),
        ("PGHOST", "${stores.db.host}", {"db": "postgres"}),
        ("NATS_URL", "${broker.url}", {}),
    ],
)
def test_a_variable_of_a_server_brings_that_server(name, value, stores):
    lesson = learnt(needed(name))
    assert web(lesson).env[name] == value
    assert {store.name: store.kind for store in lesson.found.stores} == stores
    again = corrected(lesson.found, [Failure("worker", "", needed(name))], KINDS)
    assert len(again[-1].found.stores) == len(stores), "the second one uses the first one's"


def test_a_secret_is_generated_and_a_setting_is_left_to_its_user():
    assert web(learnt(needed("SESSION_SECRET"))).secrets == ("SESSION_SECRET",)
    lesson = learnt(needed("LEVEL_OF_DETAIL"))
    assert not lesson.is_corrected
    assert "# tried: missing environment variable LEVEL_OF_DETAIL" in text_of(lesson.found)


def test_the_host_of_a_container_is_the_store_that_it_means():
    files = {**PROCFILE, ".env.example": "CACHE_AT=redis:6379"}
    files["serve.js"] = "process.env.CACHE_AT"
    cause = likely_cause(1, ["Error: getaddrinfo ENOTFOUND redis"])
    lesson = learnt(cause, files=files)
    assert web(lesson).env["CACHE_AT"] == "${stores.cache.address}"
    elsewhere = learnt(likely_cause(1, ["getaddrinfo ENOTFOUND files.example"]), files=files)
    assert not elsewhere.is_corrected


def test_a_server_that_is_sought_at_its_usual_port_is_brought_up_where_a_variable_can_say_so():
    files = {**PROCFILE, "serve.js": 'process.env.REDIS_URL || "x"'}
    line = "Error: connect ECONNREFUSED 127.0.0.1:6379"
    lesson = learnt(likely_cause(1, [line]), lines=(line,), files=files)
    assert web(lesson).env["REDIS_URL"] == "${stores.cache.url}"
    assert not learnt(likely_cause(1, [line]), lines=(line,)).is_corrected


@pytest.mark.parametrize(
    "cause",
    [
        "'dotnet' is not on PATH; https://dotnet.microsoft.com/download",
        likely_cause(127, ["sh: 1: bundle: not found"]),
        likely_cause(
            1, ["go: go.mod requires go >= 1.27.0 (running go 1.26.8; GOTOOLCHAIN=local)"]
        ),
        likely_cause(1, ["ERROR: No matching distribution found for Django==6.1"]),
        likely_cause(1, ["Expected version: ^22.21.0", "Got: v20.20.2"]),
    ],
)
def test_what_this_machine_lacks_is_left_out_of_the_next_try(cause):
    lesson = learnt(cause)
    assert lesson.is_absent
    assert not lesson.is_corrected
    assert f"tried: {cause}" == lesson.note


def test_one_try_teaches_several_things_and_says_each_once():
    lesson = learnt(needed("REDIS_URL"), needed("API_SECRET"), needed("NO_SUCH"), needed("NO_SUCH"))
    assert len(web(lesson).remarks) == 3
    assert corrected(found_in(**PROCFILE), [Failure("db", "", "x")], KINDS) == ()


def test_a_task_that_fails_is_named():
    failure = Failure("web", "migrate", "ended with exit status 1")
    (lesson,) = corrected(found_in(**PROCFILE), [failure], KINDS)
    assert lesson.note == "tried: task migrate: ended with exit status 1"


def test_a_library_that_requires_encryption_gets_it_disabled():
    files = {**PROCFILE, "requirements.txt": "psycopg"}
    files["serve.py"] = 'import os\nos.environ["DATABASE_URL"]'
    lesson = learnt(likely_cause(1, ["pq: SSL is not enabled on the server"]), files=files)
    assert web(lesson).env["DATABASE_URL"] == "${stores.db.url}?sslmode=disable"
    assert lesson.is_corrected


SETTINGS = {
    **PROCFILE,
    "pyproject.toml": "[project]\ndependencies = ['pydantic-settings', 'asyncpg']\n",
    "settings.py": "from pydantic_settings import BaseSettings\n\n\n"
    "class S(BaseSettings):\n"
    "    model_config = SettingsConfigDict(env_prefix='DB_PG_')\n"
    "    host: str\n    level: str\n    api_secret: str\n",
}


def test_the_field_of_a_settings_class_is_named_with_its_prefix():
    lesson = learnt(needed("LEVEL"), files=SETTINGS)
    assert lesson.note.startswith("tried: missing environment variable DB_PG_LEVEL")
    assert not learnt(needed("API_SECRET"), files=SETTINGS).is_corrected, "it has one"


def test_a_word_that_may_mean_any_database_brings_none():
    lesson = learnt(needed("DB"))
    assert not lesson.is_corrected
    assert not lesson.found.stores


def test_what_did_not_help_is_taken_back_and_the_failure_is_noted():
    before = found_in(**PROCFILE)
    failure = Failure("web", "", needed("REDIS_URL"))
    (lesson,) = corrected(before, [failure, Failure("worker", "", needed("PGHOST"))], KINDS)[:1]
    after = corrected(lesson.found, [Failure("worker", "", needed("PGHOST"))], KINDS)[-1].found
    now = taken_back(after, before, failure)
    assert {store.name for store in now.stores} == {"db"}, "another service's stays"
    text = text_of(now)
    assert "REDIS_URL:" not in text
    assert "# tried: missing environment variable REDIS_URL" in text
    assert "its value now" not in text.split("  worker:")[0]


def test_a_failure_that_is_only_noted_changes_nothing_else():
    before = found_in(**PROCFILE)
    (lesson,) = noted(before, [Failure("web", "", needed("REDIS_URL"))], KINDS)
    assert not lesson.is_corrected
    assert not lesson.found.stores
    assert lesson.note.startswith("tried: missing environment variable REDIS_URL")
