"""A store runs on what was asked for, else on what the machine has; a stand-in only for the kit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from demo_system import DEMO, KINDS, ORDERS, demo

from tarmac.base.errors import BadInput, MissingTool
from tarmac.catalog.stores.kind import Address, Binary, Provider, ProviderCandidate
from tarmac.run.local.host.providers import choose

NATS = KINDS["nats"]
RABBIT = replace(
    NATS,
    id="rabbitmq",
    title="RabbitMQ",
    substitutes=("nats",),
    providers=(
        Provider("binary", {"server": Binary("no-such")}, NATS.providers[0].launch, "apt-get it"),
    ),
)
WITH_RABBIT = {**KINDS, "rabbitmq": RABBIT}
ON_RABBIT = DEMO.replace("broker: nats", "broker: {kind: rabbitmq}")
FOREIGN = ON_RABBIT.replace("port: 8080\n", "port: 8080\n        consumes: [order.placed]\n")


class Shelf:
    """A machine that has these providers, `kind/provider` -> version; remembers what was asked."""

    def __init__(self, **has: str) -> None:
        self.has = {key.replace("__", "/"): version for key, version in has.items()}
        self.asked: list[str] = []

    def __call__(self, kind, *, asked_version=None, asked_provider=None):
        self.asked.append(kind.id)
        for provider in kind.providers:
            version = self.has.get(f"{kind.id}/{provider.id}")
            if version and asked_provider in (None, provider.id):
                return ProviderCandidate(provider.id, {}, version, kind=kind.id)
        return None


ALL = Shelf(postgres__embedded="18", redis__embedded="9", redis__binary="7", nats__embedded="2")


def chosen(main=DEMO, *options, find=ALL, kinds=KINDS, parts=None, refused=(), **dotenv):
    system = demo(main, **(parts or {}))
    return choose(system, kinds, options, dotenv, find, lambda *_: refused)


def complaints(main=DEMO, *options, **dotenv):
    with pytest.raises(BadInput) as caught:
        chosen(main, *options, **dotenv)
    return [str(problem) for problem in caught.value.problems]


def test_every_store_gets_a_provider_and_the_broker_is_the_store_named_broker():
    found = chosen().offers
    assert {name: offer.provider for name, offer in found.items()} == {
        "orders-db": "embedded",
        "cache": "embedded",
        "broker": "embedded",
    }
    assert {name: offer.kind for name, offer in found.items()} == {
        "orders-db": "postgres",
        "cache": "redis",
        "broker": "nats",
    }


@pytest.mark.parametrize("name", ["cache", "redis"])
def test_a_provider_is_chosen_for_a_store_or_for_all_of_a_kind(name):
    found = chosen(DEMO, f"{name}=binary").offers
    assert found["cache"].provider == "binary"
    assert found["orders-db"].provider == "embedded"


def test_the_choice_for_a_store_wins_over_the_one_for_its_kind():
    found = chosen(DEMO, "cache=binary", "redis=embedded").offers
    assert found["cache"].provider == "binary"


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("chache=binary", "no store or kind 'chache'; did you mean 'cache'?"),
        ("cache=dokcer", "redis has no provider 'dokcer'; did you mean 'docker'?"),
        ("cache", "not NAME=PROVIDER; write for example redis=docker"),
        ("broker=rabbitmq", "nats has no provider 'rabbitmq'; choose one of: "),
    ],
)
def test_a_wish_that_cannot_be_is_explained(option, expected):
    (complaint,) = complaints(DEMO, option)
    assert complaint.startswith(f"--provider {option}: ")
    assert expected in complaint


def test_wrong_options_are_reported_together():
    assert len(complaints(DEMO, "chache=binary", "cache=dokcer")) == 2


def test_what_this_machine_lacks_is_named_with_how_to_get_it_all_at_once():
    with pytest.raises(MissingTool) as caught:
        chosen(DEMO, "orders-db=binary", "broker=docker")
    first, second = str(caught.value).splitlines()
    assert first.startswith("orders-db: no PostgreSQL on this machine by provider")
    assert "apt-get install postgresql" in first
    assert "; or name one that runs elsewhere: --provider orders-db=external; or leave" in first
    assert first.endswith("leave it out: --without orders-db, and order-service, web then miss it")
    assert second.startswith("broker: ")
    assert "start Docker" in second
    assert caught.value.exit_code == 3


def test_a_store_that_nothing_uses_may_be_left_out():
    unused = DEMO.replace("      orders-db:", "      unused: postgres\n      orders-db:", 1)
    assert unused != DEMO
    with pytest.raises(MissingTool) as caught:
        chosen(unused, "unused=binary")
    advice = "; or start the rest: `tarmac up --without unused`, as nothing uses it yet"
    assert str(caught.value).endswith(advice)


def test_a_program_that_is_there_and_cannot_be_used_is_named_with_the_reason():
    old = "/usr/bin/postgres is 9.6; needed: 14 or newer"
    with pytest.raises(MissingTool, match=rf"no PostgreSQL .* that can be used \({old}\); "):
        chosen(DEMO, "orders-db=binary", refused=(old,))


def test_a_broker_that_is_absent_is_replaced_for_services_of_the_kit():
    found = chosen(ON_RABBIT, kinds=WITH_RABBIT).offers["broker"]
    assert (found.kind, found.provider) == ("nats", "embedded")


def test_a_broker_that_is_there_is_not_replaced():
    shelf = Shelf(**{key.replace("/", "__"): v for key, v in ALL.has.items()}, rabbitmq__binary="3")
    found = chosen(ON_RABBIT, kinds=WITH_RABBIT, find=shelf).offers["broker"]
    assert found.kind == "rabbitmq"
    assert "nats" not in shelf.asked


def test_a_stand_in_can_be_picked_on_purpose():
    shelf = Shelf(**{key.replace("/", "__"): v for key, v in ALL.has.items()}, rabbitmq__binary="3")
    found = chosen(ON_RABBIT, "broker=nats", kinds=WITH_RABBIT, find=shelf).offers["broker"]
    assert found.kind == "nats"


def test_a_stand_in_is_refused_where_a_service_that_is_not_the_kits_uses_the_broker():
    for options in ((), ("broker=nats",)):
        with pytest.raises(MissingTool) as caught:
            chosen(FOREIGN, *options, kinds=WITH_RABBIT)
        assert "NATS JetStream cannot substitute RabbitMQ" in str(caught.value)
        assert "(web)" in str(caught.value)
        assert "apt-get it" in str(caught.value)


DOCUMENTS = replace(KINDS["redis"], id="mongodb", title="MongoDB", substitutes=("postgres",))
WITH_DOCUMENTS = {**KINDS, "mongodb": DOCUMENTS}
ON_DOCUMENTS = DEMO.replace("orders-db: postgres", "orders-db: mongodb")


def test_a_store_that_is_absent_is_replaced_only_where_all_of_its_users_are_the_kits():
    more = {"kinds": WITH_DOCUMENTS, "parts": {"orders": ORDERS.replace("postgres", "mongodb")}}
    with pytest.raises(MissingTool) as caught:
        chosen(ON_DOCUMENTS, **more)
    assert "orders-db: PostgreSQL cannot substitute MongoDB" in str(caught.value)
    assert "(web)" in str(caught.value)
    without = ON_DOCUMENTS.replace("${stores.orders-db.url}", "none")
    assert without != ON_DOCUMENTS
    found = chosen(without, **more).offers["orders-db"]
    assert (found.kind, found.provider) == ("postgres", "embedded")


def test_who_insists_on_the_real_broker_gets_no_stand_in():
    with pytest.raises(MissingTool, match=r"no RabbitMQ on this machine .*apt-get"):
        chosen(ON_RABBIT, "broker=binary", kinds=WITH_RABBIT)


def test_a_server_elsewhere_is_found_by_its_url_whose_secrets_stay_apart():
    found = chosen(
        DEMO, "orders-db=external", ORDERS_DB_URL="postgresql://me:p%40ss@db.example:6000/sales"
    )
    offer = found.offers["orders-db"]
    assert offer == ProviderCandidate(
        "external", {}, "", kind="postgres", address=Address("db.example", 6000, "sales")
    )
    assert found.secrets == {
        "stores/orders-db/external/url": "postgresql://me:p%40ss@db.example:6000/sales",
        "stores/orders-db/external/user": "me",
        "stores/orders-db/external/password": "p@ss",
    }


def test_a_url_without_a_port_means_the_kinds_own(monkeypatch):
    monkeypatch.setenv("CACHE_URL", "redis://c.example")
    assert chosen(DEMO, "cache=external").offers["cache"].address == Address("c.example", 6379)


def test_of_several_hosts_the_first_is_shown_and_the_url_stays_whole():
    url = "postgresql://me:a,b@one.example:6000,two.example:6001/sales?mode=x,y"
    found = chosen(DEMO, "orders-db=external", ORDERS_DB_URL=url)
    assert found.offers["orders-db"].address == Address("one.example", 6000, "sales")
    assert found.secrets["stores/orders-db/external/url"] == url
    assert found.secrets["stores/orders-db/external/password"] == "a,b"


def test_env_files_win_over_the_environment(monkeypatch):
    monkeypatch.setenv("CACHE_URL", "redis://one.example")
    found = chosen(DEMO, "cache=external", CACHE_URL="redis://two.example").offers["cache"]
    assert found.address.host == "two.example"


def test_a_missing_url_is_reported_at_the_store():
    (complaint,) = complaints(DEMO, "orders-db=external")
    assert complaint.startswith(f"{demo().locate(('stores', 'orders-db'), key=True)}: ")
    assert "neither .env nor the environment has ORDERS_DB_URL; set it" in complaint


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://me:secret@h/x", "its scheme is 'mysql', not postgresql or postgres"),
        ("postgresql:///x", "it names no host"),
        ("postgresql://me:secret@h:port/x", "it is not a URL"),
        ("postgresql://me:secret@[h/x", "it is not a URL"),
    ],
)
def test_a_wrong_url_is_explained_without_its_password(url, expected):
    (complaint,) = complaints(DEMO, "orders-db=external", ORDERS_DB_URL=url)
    assert f"ORDERS_DB_URL is wrong: {expected}; write it like" in complaint
    assert "secret" not in complaint
