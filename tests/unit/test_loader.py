"""A system file is typed and strict: whatever does not fit is said with its place, all at once."""

from __future__ import annotations

import pytest
from demo_system import DEMO, FILE, ORDERS, demo, files, problems, problems_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tarmac.model.edge import Edge


def edit(old: str, new: str) -> str:
    assert old in DEMO
    return DEMO.replace(old, new)


def test_the_demo_loads():
    system = demo()
    assert system.name == "demo"
    assert system.roles("order-service") == ("orders",)
    assert system.file.services["order-service"].calls["product-service"].timeout == 2.5
    assert system.file.stores["orders-db"].kind == "postgres"


def test_short_and_long_forms_mean_the_same():
    short, long = demo(), demo(edit("orders-db: postgres", "orders-db: {kind: postgres}"))
    assert short.file.stores == long.file.stores
    assert demo(edit("broker: nats", "broker: {kind: nats}")).file.broker == short.file.broker
    ports = demo(edit("port: 8000", "ports: {http: 8000}"))
    assert ports.file.services["product-service"].listening == {"http": 8000}


def test_edges_are_declared_calls_stores_topics_and_references():
    assert set(demo().edges) == {
        Edge("web", "order-service", "call"),
        Edge("web", "orders-db", "store"),
        Edge("order-service", "product-service", "call"),
        Edge("order-service", "orders-db", "store", "db"),
        Edge("order-service", "cache", "store", "cache"),
        Edge("order-service", "order.placed", "publish"),
        Edge("order-service", "payment.captured", "consume"),
        Edge("payment-service", "payment.captured", "publish"),
        Edge("payment-service", "order.placed", "consume"),
    }


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        (
            edit("stores: {db: orders-db,", "stores: {db: orders-bd,"),
            "tarmac.yaml:17:18: order-service uses unknown store 'orders-bd'; did you mean 'orders",
        ),
        (edit("port: 8000", "prot: 8000"), "tarmac.yaml:24:5: unknown key 'prot'; did you mean"),
        (
            edit("port: 8000", 'port: "8000"'),
            "tarmac.yaml:24:11: port is '8000'; remove the quotes: port: 8000",
        ),
        (
            edit("port: 8000", "port: 99999"),
            "tarmac.yaml:24:11: port is 99999; it must be at most 65535",
        ),
        (edit("port: 8000", "port: 3003"), "tarmac.yaml:24:11: product-service.http and order-"),
        (edit('version: "7"', "version: 7"), 'version is 7; put it in quotes: version: "7"'),
        (
            edit("2500ms", "soon"),
            "timeout is 'soon'; write a number and its unit, e.g. 200ms, 2s, 15m",
        ),
        (edit("[{product-service:", "[{produkt-service:"), "did you mean 'product-service'?"),
        (edit("${stores.orders-db.url}", "${stores.nope.url}"), "unknown store 'nope'"),
        (
            edit("${stores.orders-db.url}", "${things.a.b}"),
            "begin it with services, stores, volumes, broker or system",
        ),
        (edit("${stores.orders-db.url}", "${a}"), "'${a}' is not a reference; write"),
        (edit("consumes: [order.placed]", "consumes: [order.plced]"), "no service publishes"),
        (edit("broker: nats", ""), "the system has no broker; add `broker: nats`"),
        (
            edit("stores: {db: orders-db, cache: cache}", ""),
            "leaves the slot 'db' (postgres)",
        ),
        (edit("db: orders-db,", "db: cache,"), "needs a store of kind postgres, and 'cache' is"),
        (edit("db: orders-db,", "dd: orders-db,"), "order-service has no slot 'dd'"),
        (
            edit("calls: [{product-service: {timeout: 2500ms, retries: 3}}]", ""),
            "the part 'cat",
        ),
        (edit('env: {JWKS_URL: "${services.product-service.url}/keys"}', ""), "needs JWKS_URL"),
        (
            edit("publishes: [payment.captured]", "publishes: [payment.capturd]"),
            "its service.yaml has no such topic; did",
        ),
        (edit("source: [services/catalog]", "source: [services/nope]"), "no service.yaml in"),
        (edit("      web:\n", "      wires:\n"), "the name 'wires' is the runtime's own"),
        (edit("      web:\n", "      default:\n"), "the name 'default' is an administrator's"),
        (
            edit("run: [python, -m, http.server]", ""),
            "web has nothing to run; add `run: [PROGRAM",
        ),
        (
            edit("system: demo", "system: Demo"),
            "system is 'Demo'; use a-z, 0-9 and '-', a letter first, 40 at most: demo",
        ),
        (edit("system: demo", ""), "the file lacks 'system'; add `system: shop`"),
        (edit("tarmac: 1", "tarmac: 2"), "tarmac is 2; write 1"),
        (edit("https://${system.domain}", "${stores.cache.url}"), "would connect every service"),
        (edit("orders-db: postgres", "orders-db: postgres\n      web: redis"), "'web' is taken"),
        (edit("env: {JWKS", "externals: [stripe]\n        env: {JWKS"), "unknown external 'str"),
        (
            edit("broker: nats", "broker: nats\n    objectives: [{service: w}]"),
            "has neither `availability` nor `latency`",
        ),
    ],
)
def test_an_error_is_reported_with_its_place_and_what_to_do(main, expected):
    found = problems(main)
    assert any(expected in line for line in found), found
    assert all(line.startswith(("tarmac.yaml:", "services/")) for line in found)


def test_all_errors_are_reported_together():
    main = edit("port: 8000", "port: 3003").replace("db: orders-db,", "db: orders-bd,")
    assert len(problems(main.replace("[{product-service:", "[{nobody:"))) >= 3


def test_all_errors_of_the_types_are_reported_together():
    main = edit("port: 8000", "prot: 8000").replace("port: 3003", "port: x")
    assert len(problems(main)) == 2


def test_an_error_in_a_part_names_the_parts_file():
    (line,) = problems(orders=ORDERS.replace("publishes", "publish"))
    assert line.startswith("services/orders/service.yaml:8:1: unknown key 'publish'")


def test_a_part_that_cannot_be_read_draws_no_conclusions():
    (line,) = problems(edit("source: [services/catalog]", "source: [services/nope]"))
    assert "product-service has no service.yaml" in line


TOKENS = [line for line in DEMO.splitlines() if line.strip()]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.integers(0, len(TOKENS) - 1),
    st.sampled_from(["drop", "double", "rename", "retype", "truncate", "indent"]),
    st.text(max_size=12),
)
def test_any_mutation_loads_or_gives_located_errors(line, kind, junk):
    content = list(TOKENS)
    old = content[line]
    content[line : line + 1] = {
        "drop": [],
        "double": [old, old],
        "rename": [old.replace(":", f"{junk}:", 1)],
        "retype": [old.split(":")[0] + f": {junk}"],
        "truncate": [old[: len(old) // 2]],
        "indent": [f" {old}"],
    }[kind]
    tree = files()
    tree[FILE] = "\n".join(content).encode("utf-8", "surrogatepass")
    found = problems_of(tree)
    assert all(FILE in problem.where for problem in found)


READER = """
    part: reader
    package: tarmac_reader
    slots:
      db: {kind: postgres, env: DATABASE_URL, replication: true}
    """


def test_a_reader_of_a_database_log_publishes_the_topics_of_its_writers():
    reading = DEMO.replace(
        "    stores:\n      orders-db: postgres",
        """      reader:
        source: services/reader
        stores: {db: orders-db}
        publishes: [order.placed]
    stores:
      orders-db: postgres""",
    )
    assert problems(reading, reader=READER) == []
    (foreign,) = problems(
        reading.replace(
            "publishes: [order.placed]\n    stores", "publishes: [payment.captured]\n    stores"
        ),
        reader=READER,
    )
    assert "reader publishes 'payment.captured', and its service.yaml has no such topic" in foreign
