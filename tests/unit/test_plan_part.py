"""A part of a system: what is named, what that needs, and what has a profile."""

from __future__ import annotations

import pytest
from demo_system import DEMO, KINDS, demo, facts_for

from tarmac.base.errors import BadInput
from tarmac.plan.facts import RunShape
from tarmac.plan.part import Part, named, off
from tarmac.plan.resolve import resolve

WITH_PROFILES = (
    DEMO.replace("port: 8000\n", "port: 8000\n        group: goods\n", 1)
    .replace("port: 8080\n", "port: 8080\n        group: pages\n", 1)
    .replace(
        "    stores:\n",
        "      admin: {run: [a], port: 99, profiles: [tools], env: {C: '${stores.spare.url}'}}\n"
        "    stores:\n"
        "      spare: {kind: redis, profiles: [tools]}\n",
        1,
    )
)


def on(text=WITH_PROFILES, **wanted):
    system = demo(text)
    return set(named(system)) - off(system, Part(**wanted))


def test_everything_runs_but_what_has_a_profile():
    assert set(named(demo(WITH_PROFILES))) - on() == {"admin", "spare"}
    assert on(profiles=("tools",)) == set(named(demo(WITH_PROFILES)))


def test_a_named_service_runs_with_all_that_it_needs_and_without_its_callers():
    assert on(whole=False, names=("order-service",)) == {
        "order-service",
        "product-service",
        "orders-db",
        "cache",
        "broker",
    }


def test_a_store_runs_alone():
    assert on(whole=False, names=("orders-db",)) == {"orders-db"}


def test_only_what_is_named_runs_with_only():
    assert on(whole=False, only=("order-service",)) == {"order-service"}
    assert on(whole=False, names=("product-service",), only=("web",)) == {"product-service", "web"}


def test_a_group_runs_with_what_its_services_need():
    assert on(whole=False, groups=("goods",)) == {"product-service"}
    assert "orders-db" in on(whole=False, groups=("pages",))


def test_a_service_with_a_profile_needs_what_shares_its_profile():
    with pytest.raises(BadInput) as refused:
        on(whole=False, names=("admin",))
    assert str(refused.value) == (
        "systems/demo/tarmac.yaml:31:59: admin needs spare, which is off (its profile is 'tools'); "
        "add --profile tools, or name spare"
    )
    assert on(whole=False, names=("admin", "spare")) == {"admin", "spare"}
    assert on(whole=False, names=("admin",), profiles=("tools",)) == {"admin", "spare"}


def test_all_names_that_do_not_exist_are_reported_with_the_nearest():
    with pytest.raises(BadInput) as refused:
        on(whole=False, names=("wep", "cache"), groups=("page",), profiles=("tool",))
    assert str(refused.value).splitlines() == [
        "wep: no such service or store; did you mean 'web'?",
        "--group page: no such group; did you mean 'pages'?",
        "--profile tool: no such profile; did you mean 'tools'?",
    ]


def test_a_part_has_the_ports_variables_and_wires_that_it_has_in_the_whole():
    system = demo()
    whole = resolve(system, "local", facts_for(system), KINDS)
    shape = RunShape(off=off(system, Part(whole=False, names=("order-service",))))
    part = resolve(system, "local", facts_for(system, shape=shape), KINDS)
    assert {node.service for node in part.nodes} == {
        "order-service",
        "product-service",
        "orders-db",
        "cache",
        "broker",
    }
    assert part.wires == whole.wires
    for node in part.nodes:
        other = whole.node(node.name)
        assert (node.launch, node.ports, node.url) == (other.launch, other.ports, other.url)


def test_nothing_waits_for_what_is_off_or_stopped():
    system = demo()
    for shape in (
        RunShape(off=frozenset({"orders-db", "product-service"})),
        RunShape(stopped=frozenset({"product-service"}), off=frozenset({"orders-db"})),
    ):
        plan = resolve(system, "local", facts_for(system, shape=shape), KINDS)
        waits = {name for node in plan.nodes for name in (*node.after, *node.needs)}
        assert waits.isdisjoint({"orders-db", "product-service"})
        assert not [seed for seed in plan.seeds if seed.store == "orders-db"]


INSTALLED = "      {name}: {{run: [a], port: {port}, cwd: {cwd}, tasks: {tasks}}}\n"


def of_tasks(without, *services):
    more = "".join(
        INSTALLED.format(name=name, port=9000 + n, cwd=cwd, tasks=tasks)
        for n, (name, cwd, tasks) in enumerate(services)
    )
    system = demo(DEMO.replace("    stores:\n", f"{more}    stores:\n", 1))
    shape = RunShape(without=frozenset(without))
    plan = resolve(system, "local", facts_for(system, shape=shape), KINDS)
    return {node.name for node in plan.nodes if node.role == "task"}


INSTALL = "{install: {run: b, here: true}}"
AND_TABLES = "{install: {run: b, here: true}, migrate: {run: c}}"


def test_what_is_started_elsewhere_installs_its_packages_itself():
    assert of_tasks([], ("one", "a", INSTALL)) == {"one.install"}
    assert of_tasks(["one"], ("one", "a", INSTALL)) == set()


def test_what_others_of_its_folder_or_its_own_tables_need_is_installed_all_the_same():
    beside = (("one", "a", INSTALL), ("two", "a", INSTALL))
    assert of_tasks(["one"], *beside) == {"one.install", "two.install"}
    assert of_tasks(["one", "two"], *beside) == set()
    assert of_tasks(["one"], ("one", "a", AND_TABLES)) == {"one.install", "one.migrate"}
