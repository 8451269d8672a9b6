"""What the plan tells services of their callers: declared edges, and no others."""

from __future__ import annotations

import pytest
from demo_system import DEMO, KINDS, demo, facts_for, problems

from tarmac.base.launch import redact
from tarmac.plan.callers import DEVELOPER
from tarmac.plan.resolve import resolve

FOLDER = "/copy/callers"


def plan_of(main: str = DEMO, folder: str = FOLDER):
    system = demo(main)
    return resolve(system, "local", facts_for(system, caller_tokens=folder), KINDS)


def told(plan, name: str) -> dict[str, str]:
    """Read the variables of a service that say something of callers."""
    env = plan.node(name).launch.env
    return {key: redact(value) for key, value in env.items() if key.startswith("TARMAC_")}


def test_both_ends_of_a_declared_edge_know_of_it():
    plan = plan_of()
    url = redact(plan.node("order-service").launch.env["PRODUCT_SERVICE_URL"])
    orders = told(plan, "order-service")
    assert orders["TARMAC_CALLER_TOKEN_FILE"] == f"{FOLDER}/order-service/{{callee}}"
    assert set(orders["TARMAC_CALLEES"].split(",")) == {f"product-service={url}"}
    assert told(plan, "product-service") == {
        "TARMAC_CALLERS": f"order-service,{DEVELOPER}",
        "TARMAC_CALLER_ISSUER": "demo/test",
        "TARMAC_CALLER_JWKS_FILE": f"{FOLDER}/jwks.json",
        "TARMAC_PUBLIC_PATHS": "",
    }
    assert told(plan, "web")["TARMAC_PUBLIC_PATHS"] == "/"
    assert orders["TARMAC_CALLERS"] == f"web,{DEVELOPER}", "a reference is an edge, too"
    pairs = {(edge.caller, edge.callee) for edge in plan.caller_edges}
    assert pairs == {("web", "order-service"), ("order-service", "product-service")}


def test_each_variable_says_where_it_comes_from():
    node = plan_of().node("order-service")
    assert node.origins["TARMAC_CALLERS"] == "Tarmac: caller tokens"


def test_without_caller_tokens_no_settings_of_them_are_passed():
    plan = plan_of(folder="")
    assert not any(told(plan, node.name) for node in plan.nodes)
    assert plan.caller_edges == ()


@pytest.mark.parametrize("service", ["product-service", "order-service"])
def test_a_service_that_trusts_the_network_takes_no_part_and_up_says_so(service):
    main = DEMO.replace(f"      {service}:\n", f"      {service}:\n        trust: network\n")
    plan = plan_of(main)
    assert told(plan, service) == {}
    edges = {name for edge in plan.caller_edges for name in (edge.caller, edge.callee)}
    assert service not in edges
    (note,) = (note for note in plan.notes if "trust: network" in note)
    assert note.startswith(f"{service}: ")
    if service == "product-service":
        assert "TARMAC_CALLEES" not in told(plan, "order-service")


def test_trust_is_one_of_two_words():
    (line,) = problems(DEMO.replace("port: 8000", "port: 8000\n        trust: none"))
    assert "trust" in line
    assert "network" in line
