"""The entry in the plan: one address for each public host, routes from the services' own words."""

from __future__ import annotations

import json

import pytest
from demo_system import DEMO, KINDS, demo, facts_for, problems

from tarmac.base.launch import redact
from tarmac.plan.facts import RunShape
from tarmac.plan.resolve import resolve

#: The order service is public on the domain itself, the pages on www.
ENTRY = DEMO.replace("services:", 'entry: {www: 9000, "": 9001}\n    services:', 1).replace(
    "      order-service:\n",
    "      order-service:\n        public: {paths: [/orders, /o/deep]}\n",
    1,
)


def plan_of(**changes):
    return resolve(demo(ENTRY), "local", facts_for(demo(ENTRY), **changes), KINDS)


def routes(plan) -> dict:
    (file,) = plan.node("entry").launch.files
    return json.loads(redact(file.content))


def test_each_public_host_has_a_port_and_the_paths_of_its_services():
    plan = plan_of()
    found = routes(plan)
    assert {listener["label"] for listener in found["listen"]} == {"www", ""}
    assert [route["path"] for route in found["hosts"][""]] == ["/orders", "/o/deep"]
    assert [route["service"] for route in found["hosts"]["www"]] == ["web"]


def test_requests_go_over_wires_like_those_of_any_other_caller():
    plan = plan_of()
    wires = {wire.id: wire.listen for wire in plan.wires}
    assert routes(plan)["hosts"]["www"][0]["port"] == wires["entry->web:http"]
    assert wires["world->entry:www"] == 9000
    assert wires["world->entry:root"] == 9001
    assert plan.node("entry").ports.keys() == {"www", "root"}
    assert 9000 not in plan.node("entry").ports.values()


def test_without_wires_the_entry_has_its_ports_and_goes_to_the_services_themselves():
    plan = plan_of(shape=RunShape(direct=True))
    assert plan.node("entry").ports == {"www": 9000, "root": 9001}
    assert routes(plan)["hosts"]["www"][0]["port"] == 8080


def test_of_the_services_behind_a_host_the_one_with_its_front_page_is_to_be_opened():
    plan = plan_of()
    assert plan.node("web").page == "http://localhost:9000/"
    assert plan.node("order-service").page == ""
    assert plan.node("entry").url == "http://localhost:9000"


def test_a_public_url_is_the_entrys():
    told = ENTRY.replace("env: {JWKS_URL:", 'env: {SELF: "${services.web.public_url}", JWKS_URL:')
    plan = resolve(demo(told), "local", facts_for(demo(told)), KINDS)
    assert redact(plan.node("order-service").launch.env["SELF"]) == "http://localhost:9000"


def test_a_system_without_an_entry_has_none():
    plan = resolve(demo(DEMO), "local", facts_for(demo(DEMO)), KINDS)
    assert "entry" not in {node.name for node in plan.nodes}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('{www: 9000, "": 9001}', "{app: 9000}", "no service is public on the host 'app'"),
        ("{paths: [/orders, /o/deep]}", "{host: www, paths: [/]}", "are both public at /"),
        ('"": 9001', '"": 9000', "the ingress uses port 9000"),
        ("www: 9000", "www: 8080", "8080"),
        ("www: 9000", "Www: 9000", "use one label of a host's name"),
    ],
)
def test_what_cannot_be_routed_is_reported_with_its_place(old, new, said):
    found = problems(ENTRY.replace(old, new, 1))
    assert any(said in line for line in found), found
