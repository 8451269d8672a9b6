"""A system's file includes others: together they are one system, and each name keeps its place."""

from __future__ import annotations

import errno
import re
import textwrap

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tarmac.base import registry
from tarmac.base.errors import BadInput, Problem
from tarmac.catalog import stores
from tarmac.model.include import Checkout, GitRevision
from tarmac.model.loader import load
from tarmac.model.location import Location
from tarmac.model.promotion import current
from tarmac.model.system import System
from tarmac.plan.deploy import deploy
from tarmac.plan.part import Part, off

KINDS = registry.load(stores, "STORE")
SHOP = """
    tarmac: 1
    system: shop
    owner: shop-team
    include: [../payments]
    env: {LOG_LEVEL: info}
    services:
      web: {run: [npm, start], port: 8080, calls: [payments]}
    objectives:
      - {service: web, availability: 99.9}
    """
PAYMENTS = """
    tarmac: 1
    system: payments
    owner: pay-team
    env: {REGION: eu, LOG_LEVEL: debug}
    services:
      payments:
        run: [./serve]
        port: 8090
        api: openapi.yaml
        externals: [bank]
        env: {DB: "${stores.pay-db.url}", CARDS: "${system.folder}/cards"}
      ledger: {source: ledger, stores: {db: pay-db}, owner: ledger-team}
    stores:
      pay-db: {kind: postgres, init: [sql/schema.sql], seed: sql/seed.sql}
    externals:
      bank: {hosts: [api.bank.example]}
    objectives:
      - {service: payments, latency: 200ms}
    invariants:
      paid: {store: pay-db, query: SELECT 1}
    environments:
      production: {cloud: aws}
    """
LEDGER = "{part: ledger, run: [./ledger], slots: {db: {kind: postgres, env: DB}}}"
FILES = {
    "systems/shop/tarmac.yaml": SHOP,
    "systems/payments/tarmac.yaml": PAYMENTS,
    "systems/payments/ledger/service.yaml": LEDGER,
    "systems/payments/sql/schema.sql": "create table payments();",
}
URL = "https://git.example.com/acme/payments.git"


CLONE = "/cache/payments"


def loaded(changed: dict[str, str] = FILES) -> System:
    """Load the shop with files of its own, of its neighbour and of a clone."""
    content = {**FILES, **changed}

    def read(path: str) -> bytes:
        if path not in content:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return textwrap.dedent(content[path]).lstrip("\n").encode()

    def find(revision: GitRevision, place: Location) -> Checkout:
        if revision.revision == "gone":
            raise BadInput([Problem(str(place), "it is gone; take another")])
        return Checkout(CLONE, revision)

    return load("systems/shop/tarmac.yaml", read, find)


def more(text: str, line: str) -> str:
    return f"{text.rstrip()}\n    {line}\n"


def problems(changed: dict[str, str]) -> list[str]:
    with pytest.raises(BadInput) as raised:
        loaded(changed)
    return [str(problem).replace("systems/", "") for problem in raised.value.problems]


def cloned(shop: str, **files: str) -> dict[str, str]:
    """Put the payments into a clone that the shop includes."""
    clone = {path.replace("systems/payments", CLONE): text for path, text in FILES.items()}
    return {**clone, **files, "systems/shop/tarmac.yaml": SHOP.replace("../payments", shop)}


def test_the_services_and_stores_of_both_files_are_one_system():
    system = loaded()
    assert list(system.file.services) == ["web", "payments", "ledger"]
    assert list(system.file.stores) == ["pay-db"]
    assert [objective.service for objective in system.file.objectives] == ["web", "payments"]
    assert list(system.file.invariants) == ["paid"]
    assert not system.file.environments, "these belong to the whole"
    assert system.name == "shop"


def test_paths_are_those_of_the_file_in_which_they_stand():
    system = loaded()
    services, store = system.file.services, system.file.stores["pay-db"]
    assert services["payments"].cwd == "../payments"
    assert services["payments"].api == "../payments/openapi.yaml"
    assert services["ledger"].source == ("../payments/ledger",)
    assert system.parts["ledger"][0].folder == "systems/payments/ledger"
    assert (store.init, store.seed) == (("../payments/sql/schema.sql",), "../payments/sql/seed.sql")
    assert system.sql == {"../payments/sql/schema.sql": "create table payments();"}
    assert services["payments"].env["CARDS"] == "${system.folder}/../payments/cards"
    assert system.files == (
        "systems/shop/tarmac.yaml",
        "systems/payments/ledger/service.yaml",
        "systems/payments/tarmac.yaml",
    )


def test_owner_and_variables_of_a_file_are_for_its_services():
    services = loaded().file.services
    assert [services[name].owner for name in services] == [None, "pay-team", "ledger-team"]
    assert services["web"].env == {}
    assert services["ledger"].env == {"REGION": "eu", "LOG_LEVEL": "debug"}


def test_every_place_is_in_the_file_in_which_a_name_stands():
    system = loaded()
    assert str(system.locate(("services", "web", "port"))) == "systems/shop/tarmac.yaml:7:34"
    there = "systems/payments/tarmac.yaml"
    assert str(system.locate(("services", "payments", "port"))) == f"{there}:8:11"
    assert str(system.locate(("services", "ledger", "env", "REGION"))) == f"{there}:4:15"
    assert str(system.locate(("objectives", 1, "latency"))) == f"{there}:18:34"
    assert str(system.locate(("stores", "pay-db"), key=True)) == f"{there}:14:3"


def test_a_file_may_do_nothing_but_include():
    only = {"systems/shop/tarmac.yaml": "{tarmac: 1, system: all, include: [../payments]}"}
    assert list(loaded(only).file.services) == ["payments", "ledger"]


def test_what_two_files_include_is_there_once():
    inner = "{tarmac: 1, system: more, include: [../payments/tarmac.yaml]}"
    outer = SHOP.replace("[../payments]", "[../payments, ../more]")
    system = loaded({"systems/more/tarmac.yaml": inner, "systems/shop/tarmac.yaml": outer})
    assert list(system.file.services) == ["web", "payments", "ledger"]


def test_errors_of_all_files_are_said_at_once_each_with_its_place():
    wrong = PAYMENTS.replace("port: 8090", "prot: 8090").replace("kind: postgres", "kind: redis")
    shop = SHOP.replace("calls: [payments]", "calls: [payment]")
    assert problems({"systems/payments/tarmac.yaml": wrong, "systems/shop/tarmac.yaml": shop}) == [
        "shop/tarmac.yaml:7:48: web uses unknown service 'payment'; did you mean 'payments'?",
        "payments/tarmac.yaml:8:5: unknown key 'prot'; did you mean 'port'?",
        (
            "payments/tarmac.yaml:12:41: slot 'db' of ledger needs a store of kind postgres, and "
            "'pay-db' is redis; bind another store"
        ),
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"systems/shop/tarmac.yaml": SHOP.replace("[../payments]", "[../pay]")},
            [("shop/tarmac.yaml:4:11: pay/tarmac.yaml cannot be read (No such file or directory); "
             "correct the include")],
        ),
        (
            {"systems/payments/tarmac.yaml": more(PAYMENTS, "include: [../shop]")},
            [("payments/tarmac.yaml:23:11: the files include each other (shop/tarmac.yaml -> "
             "payments/tarmac.yaml -> shop/tarmac.yaml); remove one include")],
        ),
        (
            {"systems/shop/tarmac.yaml": SHOP.replace("web:", "ledger:").replace("web", "ledger")},
            [("payments/tarmac.yaml:12:3: 'ledger' is already in `services` of another file "
             "(shop/tarmac.yaml:7:3); give one of the two another name")],
        ),
        (
            {"systems/shop/tarmac.yaml": more(SHOP, "broker: nats"),
             "systems/payments/tarmac.yaml": more(PAYMENTS, "broker: kafka")},
            [("payments/tarmac.yaml:23:9: broker is kafka, and nats in another file "
             "(shop/tarmac.yaml:10:9); a system has one, so make them the same")],
        ),
        (
            {"systems/shop/tarmac.yaml": SHOP.replace("[../payments]", "[{path: a, git: b}]")},
            [("shop/tarmac.yaml:4:26: git is 'b'; write https://HOST/PATH, ssh://HOST/PATH, "
             "git@HOST:PATH or file:///PATH")],
        ),
        (
            {"systems/shop/tarmac.yaml": SHOP.replace("[../payments]", f"[{{git: '{URL}'}}]")},
            [("shop/tarmac.yaml:4:11: entry 1 of include has `git` without `revision`; add a tag, "
             "a branch or a commit")],
        ),
        (
            {"systems/payments/tarmac.yaml": PAYMENTS.replace("eu,", '"${stores.pay-db.url}",')},
            [("payments/tarmac.yaml:4:15: REGION of all services refers to "
             "'${stores.pay-db.url}', which would connect every service to it; set it in the "
             "services that need it")],
        ),
        (
            {"systems/shop/tarmac.yaml": SHOP.replace("[../payments]", "[7]")},
            [("shop/tarmac.yaml:4:11: entry 1 of include is 7; write a path, or {git: URL, "
             "revision: TAG}")],
        ),
        (cloned(f"{{git: '{URL}', revision: gone}}"),
         ["shop/tarmac.yaml:4:11: it is gone; take another"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_include_is_said_with_its_place(changed, expected):
    assert problems(changed) == expected


def test_places_in_a_clone_are_the_same_on_every_machine():
    system = loaded(cloned(f"{{git: '{URL}', revision: v1}}"))
    there = "https://git.example.com/acme/payments@v1"
    assert str(system.locate(("services", "payments"), key=True)) == f"{there}/tarmac.yaml:6:3"
    (part,) = system.parts["ledger"]
    assert (part.folder, part.document.file) == (f"{CLONE}/ledger", f"{there}/ledger/service.yaml")
    assert system.file.stores["pay-db"].seed == f"{CLONE}/sql/seed.sql"
    assert {name: one.folder for name, one in system.checkouts.items()} == dict.fromkeys(
        ("payments", "ledger", "pay-db"), CLONE
    )
    assert f"{CLONE}/tarmac.yaml" in system.files


def test_a_clone_reaches_nothing_outside_of_it():
    shop = f"{{git: '{URL}', revision: v1}}"
    out = PAYMENTS.replace("sql/seed.sql", "../../etc/passwd").replace(
        "source: ledger", "source: /"
    )
    others = "include: [../other, {git: 'file:///home/me/secrets', revision: main}]"
    inside = {f"{CLONE}/tarmac.yaml": more(out, others)}
    there = "https://git.example.com/acme/payments@v1/tarmac.yaml"
    assert problems(cloned(shop, **inside)) == [
        f"{there}:12:20: '/' leads out of the repository {URL}; correct the path",
        f"{there}:14:58: '../../etc/passwd' leads out of the repository {URL}; correct the path",
        f"{there}:23:11: '../other' leads out of the repository {URL}; correct the path",
        (
            f"{there}:23:21: a repository of another machine names one of this machine "
            "(file:///home/me/secrets); write its https:// or ssh:// address"
        ),
    ]


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c id", "--upload-pack=id", "/srv/git/payments", "../payments", "git://example.com/a",
     "http://example.com/a", "ssh://-oProxyCommand=id/a", "-oProxyCommand=id@host:a",
     "https://me:secret@example.com/a", "git@host:--upload-pack=id", "file://host/a", "fd::17",
     "https://example.com/a b", "https://example.com/$(id)", "host:path"],
)  # fmt: skip
def test_a_hostile_address_is_refused_when_the_file_is_read(url):
    (problem,) = problems(cloned(f"{{git: '{url}', revision: v1}}"))
    assert problem.startswith("shop/tarmac.yaml:4:17: git ")


@pytest.mark.parametrize("revision", ["--all", "a..b", "v1;id", "-x", "main:evil", "a b", "@{1}"])
def test_a_hostile_revision_is_refused_when_the_file_is_read(revision):
    (problem,) = problems(cloned(f"{{git: '{URL}', revision: '{revision}'}}"))
    assert "write a tag, a branch, or a commit's 40 digits" in problem


@pytest.mark.parametrize(
    "url",
    [URL, "ssh://git@example.com:2222/a/b.git", "git@github.com:acme/payments.git",
     "file:///srv/git/payments.git", "https://example.com:8443/~me/payments"],
)  # fmt: skip
def test_the_usual_addresses_are_taken(url):
    system = loaded(cloned(f"{{git: '{url}', revision: feature/a-1.2}}"))
    assert system.checkouts["ledger"].revision.url == url


def test_images_of_a_repository_are_built_there_and_named_by_the_revision():
    files = cloned(f"{{git: '{URL}', revision: release/v1+a}}")
    there = "{cloud: aws, region: us-east-1, registry: r.example.com/shop, version: 2.0.0}"
    file = "systems/shop/tarmac.yaml"
    system = loaded({**files, file: more(files[file], f"environments: {{production: {there}}}")})
    plan = deploy(system, "production", KINDS)
    assert {one.name: one.image for one in plan.services} == {
        "web": "r.example.com/shop/web:2.0.0",
        "payments": "r.example.com/shop/payments:release-v1-a",
        "ledger": "r.example.com/shop/ledger:release-v1-a",
    }
    assert [one.name for one in plan.own_services] == ["web"]
    assert {one.sources for one in plan.services} == {()}
    assert current(system, "production").of("ledger") == "release-v1-a"
    described = {one.name: one for one in plan.catalogue.services}
    assert (described["ledger"].folders, described["ledger"].repository) == ((), URL)


def test_a_part_that_needs_what_is_off_in_another_file_is_said_with_both_names():
    off_by_profile = PAYMENTS.replace("kind: postgres,", "kind: postgres, profiles: [money],")
    system = loaded({"systems/payments/tarmac.yaml": off_by_profile})
    with pytest.raises(BadInput) as raised:
        off(system, Part())
    assert [str(problem).partition(" (")[0] for problem in raised.value.problems] == [
        "systems/payments/tarmac.yaml:12:41: ledger needs pay-db, which is off",
        "systems/payments/tarmac.yaml:11:15: payments needs pay-db, which is off",
    ]
    assert off(system, Part(profiles=("money",))) == set()


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=8)
        | st.sampled_from([URL, "v1"]),
        lambda some: (
            st.lists(some, max_size=3)
            | st.dictionaries(
                st.sampled_from(["git", "revision", "file", "path", "x"]), some, max_size=4
            )
        ),
        max_leaves=6,
    )
)
@settings(max_examples=150, deadline=None)
def test_whatever_stands_under_include_is_loaded_or_refused_with_its_place(value):
    text = yaml.safe_dump({"tarmac": 1, "system": "shop", "services": {}, "include": value})
    found: tuple[Problem, ...] = ()
    try:
        loaded({**cloned(""), "systems/shop/tarmac.yaml": text})
    except BadInput as error:
        found = error.problems
    assert all(re.search(r":\d+:\d+$", problem.where) for problem in found)


WHOLE = {
    "services": {f"s{n}": {"run": ["x"], "port": 9000 + n} for n in range(5)},
    "stores": {f"d{n}": "postgres" for n in range(3)},
    "externals": {f"e{n}": {"hosts": ["a.example"], "port": 1 + n} for n in range(2)},
    "invariants": {f"i{n}": {"store": f"d{n}", "query": "SELECT 1"} for n in range(3)},
}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_system_split_into_files_at_random_is_the_same_system(data: st.DataObject):
    count = data.draw(st.integers(1, 4), "files")
    split = [{"tarmac": 1, "system": "shop", "services": {}} for _ in range(count)]
    for section, entries in WHOLE.items():
        for name, entry in entries.items():
            split[data.draw(st.integers(0, count - 1))].setdefault(section, {})[name] = entry
    for n in range(1, count):
        above = split[data.draw(st.integers(0, n - 1), "included by")]
        above.setdefault("include", []).append(f"part{n}.yaml")
    texts = {f"systems/shop/part{n}.yaml": yaml.safe_dump(one) for n, one in enumerate(split)}
    joined = loaded({**texts, "systems/shop/tarmac.yaml": texts["systems/shop/part0.yaml"]})
    text = yaml.safe_dump({"tarmac": 1, "system": "shop", **WHOLE})
    whole = loaded({"systems/shop/tarmac.yaml": text})
    for section in WHOLE:
        mine, own = getattr(joined.file, section), getattr(whole.file, section)
        if section == "services":  # where a program starts is said with the included file
            mine = {n: one.model_copy(update={"cwd": None}) for n, one in mine.items()}
        assert mine == own
