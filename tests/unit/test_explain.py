"""What a system is made of is explained from its model and plan: origins, users, ports."""

from __future__ import annotations

import json

import pytest
from demo_system import DEMO, KINDS, demo, facts_for

from tarmac.base.errors import BadInput
from tarmac.base.launch import (
    AliveProbe,
    CommandProbe,
    ExchangeProbe,
    HttpProbe,
    LogProbe,
    TcpProbe,
)
from tarmac.plan.explain import explain, in_words
from tarmac.plan.resolve import resolve

HERE = "systems/demo/tarmac.yaml"


def explained(name: str | None, main: str = DEMO, **changes):
    system = demo(main)
    return explain(system, resolve(system, "local", facts_for(system, **changes), KINDS), name)


def test_each_variable_says_which_line_it_comes_from():
    env = {variable["name"]: variable for variable in explained("order-service")["env"]}
    assert env["JWKS_URL"]["origin"] == f"{HERE}:21:21"
    assert env["DATABASE_URL"]["origin"] == f"{HERE}:17:18"
    assert env["SIGNING_SECRET"]["origin"] == "systems/demo/services/orders/service.yaml:14:3"
    assert env["JWT_ISSUER"]["origin"] == f"{HERE}:5:15"
    assert env["PORT"]["origin"].startswith("Tarmac: the port to listen on")
    assert env["PATH"] == {"name": "PATH", "value": "", "origin": "your shell", "secret": False}


def test_secrets_are_named_and_never_shown():
    env = {variable["name"]: variable for variable in explained("order-service")["env"]}
    assert env["SIGNING_SECRET"]["value"] == "<secret services/order-service/SIGNING_SECRET>"
    assert env["DATABASE_URL"]["secret"]
    assert not env["JWT_ISSUER"]["secret"]


def test_a_service_lists_its_callers_and_dependencies_with_wires_and_places():
    it = explained("order-service")
    (call,) = it["calls"]
    assert (call["target"], call["timeout_s"], call["retries"]) == ("product-service", 2.5, 3)
    assert call["place"] == f"{HERE}:18:14"
    assert call["wires"][0]["port"] == "http"
    (caller,) = it["called_by"]
    assert (caller["source"], caller["place"]) == ("web", f"{HERE}:12:15")
    assert [(store["store"], store["slot"]) for store in it["stores"]] == [
        ("cache", "cache"),
        ("orders-db", "db"),
    ]
    assert it["world"] == {"http": 3003}
    assert it["instances"][0]["ports"]["http"] != 3003
    assert it["publishes"][0]["consumers"][0]["service"] == "payment-service"
    assert it["consumes"][0]["publishers"][0]["service"] == "payment-service"
    assert it["probes"]["ready"].startswith("GET /health/ready on port ")


def test_an_instance_is_explained_as_its_service():
    main = DEMO.replace("port: 8000", "port: 8000\n        replicas: 2")
    it = explained("product-service.2", main)
    assert it["name"] == "product-service"
    assert [instance["name"] for instance in it["instances"]] == [
        "product-service",
        "product-service.2",
    ]


def test_a_store_lists_its_users_and_their_variables():
    it = explained("orders-db")
    assert (it["what"], it["kind"], it["place"]) == ("store", "postgres", f"{HERE}:30:3")
    users = {user["service"]: user for user in it["users"]}
    assert users["order-service"]["variables"] == ["DATABASE_URL"]
    assert users["web"]["variables"] == ["STORE"]
    assert users["web"]["place"] == f"{HERE}:13:14"
    assert it["data"] == ".tarmac/test/nodes/orders-db"
    assert it["about"] == "PostgreSQL 18.6 (embedded)"


def test_the_broker_says_its_topics_and_users():
    it = explained("broker")
    assert it["what"] == "broker"
    assert [topic["name"] for topic in it["topics"]] == ["order.placed", "payment.captured"]
    assert [user["service"] for user in it["users"]] == ["order-service", "payment-service"]


def test_a_topic_lists_its_publishers_and_consumers():
    it = explained("order.placed")
    assert it["publishers"] == [{"service": "order-service", "place": f"{HERE}:19:17"}]
    assert it["consumers"] == [{"service": "payment-service", "place": f"{HERE}:28:16"}]


def test_a_variable_is_shown_for_every_service_that_has_it():
    it = explained("JWT_ISSUER")
    assert {value["service"] for value in it["values"]} == {
        *("web", "order-service", "product-service", "payment-service"),
    }
    assert {value["value"] for value in it["values"]} == {"https://demo.example.com"}


def test_a_port_says_whose_it_is():
    (world,) = explained("8080")["uses"]
    assert world["use"] == "wire world->web:http"
    listen = explained("web")["calls"][0]["wires"][0]["listen"]
    (wire,) = explained(str(listen))["uses"]
    assert wire["use"] == "wire web->order-service:http"
    own = explained("web")["instances"][0]["ports"]["http"]
    assert explained(str(own))["uses"][0]["use"] == "web listens (http)"


def test_a_system_is_explained_in_short():
    it = explained(None)
    assert [service["name"] for service in it["services"]] == [
        *("web", "order-service", "product-service", "payment-service"),
    ]
    stores = {store["name"]: store["users"] for store in it["stores"]}
    assert stores["orders-db"] == ["order-service", "web"]
    assert stores["broker"] == ["order-service", "payment-service"]
    assert {"web", "order-service"} <= {edge["source"] for edge in it["edges"]}
    assert all(edge["place"].startswith(HERE) for edge in it["edges"])


@pytest.mark.parametrize("name", [None, "web", "order-service", "orders-db", "broker", "PORT"])
def test_all_of_it_is_json(name):
    assert json.loads(json.dumps(explained(name)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order-servise", "order-servise: not part of demo; did you mean 'order-service'?"),
        ("order.plced", "did you mean 'order.placed'?"),
        ("JWKS_URI", "did you mean 'JWKS_URL'?"),
        ("9", "9: no port of demo; `tarmac explain` lists them"),
    ],
)
def test_an_unknown_name_is_reported_with_the_nearest_name(name, expected):
    with pytest.raises(BadInput) as caught:
        explained(name)
    assert expected in str(caught.value)


def test_every_probe_has_its_words():
    assert in_words(HttpProbe(1, "/x")) == "GET /x on port 1 answers below 400"
    assert in_words(TcpProbe(2)) == "port 2 accepts a connection"
    assert in_words(ExchangeProbe(3, b"")) == "port 3 answers in its protocol"
    assert in_words(CommandProbe(("a", "b"))) == "`a b` ends with 0"
    assert in_words(LogProbe("^up")) == "a line of its output matches '^up'"
    assert in_words(AliveProbe(1.5)) == "it lives for 1.5 s"
