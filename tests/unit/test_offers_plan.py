"""What the plan makes of a stand-in, a server elsewhere and a version that nobody has here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from demo_system import DEMO, KINDS, demo, facts_for

from tarmac.base.launch import Secret, redact
from tarmac.catalog.stores.kind import Address, ProviderCandidate
from tarmac.plan import ports
from tarmac.plan.resolve import resolve

RABBIT = replace(KINDS["nats"], id="rabbitmq", title="RabbitMQ", substitutes=("nats",))
WITH_RABBIT = {**KINDS, "rabbitmq": RABBIT}
ELSEWHERE = ProviderCandidate(
    "external", {}, "", kind="postgres", address=Address("db.example", 6000, "sales")
)


def plan_of(main: str = DEMO, kinds=KINDS, **offers: ProviderCandidate):
    system = demo(main)
    known = facts_for(demo(DEMO)).offers
    found = {**known, **{name.replace("_", "-"): offer for name, offer in offers.items()}}
    here = {
        name: kinds[offer.kind or demo(DEMO).file.stores[name].kind]
        for name, offer in found.items()
        if offer.address is None and (offer.kind or name != "broker")
    }
    here.setdefault("broker", kinds["nats"])
    given = {
        need.key: need.preferred or 20000 + number
        for number, need in enumerate(ports.needs(system, here, facts_for(demo(DEMO)).shape))
    }
    facts = facts_for(demo(DEMO), offers=found, ports=given)
    return resolve(system, "local", facts, kinds)


def env_of(plan, name: str) -> dict[str, str]:
    return {key: redact(value) for key, value in plan.node(name).launch.env.items()}


def test_a_stand_in_is_named_wherever_the_broker_is_shown():
    nats = ProviderCandidate("embedded", {"server": ("/bin/nats-server",)}, "2.11.4", kind="nats")
    plan = plan_of(DEMO.replace("broker: nats", "broker: rabbitmq"), WITH_RABBIT, broker=nats)
    said = "NATS JetStream 2.11.4 (embedded), substitute for RabbitMQ"
    assert plan.node("broker").about == said
    assert any("NATS JetStream 2.11.4 answers, substitute for RabbitMQ" in n for n in plan.notes)
    assert env_of(plan, "order-service")["BROKER_URL"].startswith("nats://")


def test_the_kind_itself_stands_in_for_nobody():
    plan = plan_of()
    assert "standing in" not in plan.node("broker").about + "".join(plan.notes)


def test_a_server_elsewhere_has_no_process_no_wire_and_no_set_up():
    plan = plan_of(orders_db=ELSEWHERE)
    assert "orders-db" not in [node.name for node in plan.nodes]
    assert all("orders-db" not in (*node.after, *node.needs) for node in plan.nodes)
    assert "orders-db" not in [wire.target for wire in plan.wires]
    assert "cache" in [wire.target for wire in plan.wires]
    assert "orders-db" in [edge.target for edge in plan.edges]


def test_a_server_elsewhere_is_bound_by_its_one_url_to_each_user():
    plan = plan_of(orders_db=ELSEWHERE)
    url = "<secret stores/orders-db/external/url>"
    assert env_of(plan, "order-service")["DATABASE_URL"] == url
    assert env_of(plan, "web")["STORE"] == url
    assert Secret("stores/orders-db/external/url") in plan.secrets


def test_parts_of_the_address_of_a_server_elsewhere_are_facts():
    main = DEMO.replace(
        "${stores.orders-db.url}",
        "${stores.orders-db.host}:${stores.orders-db.port}/${stores.orders-db.database}",
    )
    assert env_of(plan_of(main, orders_db=ELSEWHERE), "web")["STORE"] == "db.example:6000/sales"


def test_a_server_elsewhere_is_noted_and_not_seeded():
    main = DEMO.replace("orders-db: postgres", "orders-db: {kind: postgres, seed: seed.sql}")
    plan = plan_of(main, orders_db=ELSEWHERE)
    assert plan.seeds == ()
    (note,) = [note for note in plan.notes if note.startswith("orders-db")]
    assert note.startswith("orders-db: external, at db.example:6000; it is not started")


def test_a_version_that_differs_and_what_an_offer_says_of_itself_are_noted():
    offer = ProviderCandidate(
        "binary", {"server": ("/bin/redis-server",)}, "6.2", kind="redis", note="not it"
    )
    notes = plan_of(cache=offer).notes
    assert "cache: version 7 requested; Redis (Valkey) 6.2 answers here" in notes
    assert "cache: not it" in notes


def test_a_version_that_differs_is_told_of_the_server_that_answers():
    offer = ProviderCandidate("binary", {"server": ("/bin/redis-server",)}, "6.2", kind="redis")
    kind = KINDS["redis"]
    providers = tuple(replace(provider, title="Another") for provider in kind.providers)
    kinds = {**KINDS, "redis": replace(kind, providers=providers)}
    notes = plan_of(DEMO, kinds, cache=offer).notes
    assert "cache: version 7 requested; Another 6.2 answers here" in notes


def test_a_version_that_fits_is_not_noted():
    offer = ProviderCandidate("binary", {"server": ("/bin/redis-server",)}, "7.0.15", kind="redis")
    assert not [note for note in plan_of(cache=offer).notes if note.startswith("cache")]


@pytest.mark.parametrize(
    ("asked", "answers", "quiet"),
    [
        ("7", "9.1.2", True),
        ("7.2", "9.1.2", True),
        ("6", "7.0.15", True),
        ("7.4", "9.1.2", False),
        ("8", "9.1.2", False),
        ("7", "6.2", False),
        (None, "6.2", True),
    ],
)
def test_a_redis_that_every_newer_one_serves_needs_no_word(asked, answers, quiet):
    offer = ProviderCandidate("embedded", {}, answers)
    assert KINDS["redis"].serves(asked, offer) == quiet
    assert KINDS["postgres"].serves(asked, offer) == offer.fits(asked)
