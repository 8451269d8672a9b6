"""The instance of a new version and a drill's variables are planned with the rest, in one go."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from demo_system import DEMO, KINDS, demo, facts_for

from tarmac.base.errors import BadInput, TarmacError
from tarmac.base.launch import redact
from tarmac.plan.bindings import Bindings
from tarmac.plan.facts import NewVersion, RunShape
from tarmac.plan.resolve import resolve

SERVICE = "order-service"


def plan_of(main: str = DEMO, **shape):
    system = demo(main)
    return resolve(system, "local", facts_for(system, shape=RunShape(**shape)), KINDS)


def test_a_new_version_is_one_more_instance_with_a_port_and_variables_of_its_own():
    before, plan = plan_of(), plan_of(versions={SERVICE: NewVersion({"PRICE": "2"})})
    new, old = plan.node(f"{SERVICE}.new"), plan.node(SERVICE)
    assert [node.name for node in plan.nodes[:-1]] == [node.name for node in before.nodes]
    assert plan.nodes[-1] == new
    assert new.service == SERVICE
    assert not set(new.ports.values()) & set(old.ports.values())
    own = {name for name, value in new.launch.env.items() if old.launch.env.get(name) != value}
    assert own == {"PRICE", "PORT"}
    assert new.origins["PRICE"] == "the new version that a drill tries"


def test_a_new_version_of_another_file_is_not_forked_and_starts_in_its_own_folder():
    other = demo(DEMO)
    plan = plan_of(versions={SERVICE: NewVersion({}, other, "/srv/branch")})
    assert plan.node(f"{SERVICE}.new").launch.forked is None
    assert plan.node(SERVICE).launch.forked is not None


def test_a_new_version_may_not_need_a_store_that_the_system_lacks():
    other = demo(DEMO)
    more = other.file.model_copy(
        update={"stores": {**other.file.stores, "search": other.file.stores["cache"]}}
    )
    version = NewVersion({}, replace(other, file=more), "/srv/branch")
    with pytest.raises(TarmacError, match=r"the new version of order-service.*has no search"):
        plan_of(versions={SERVICE: version})


def test_a_service_on_a_fixed_port_has_no_instance_of_a_new_version():
    with pytest.raises(BadInput, match="cannot have 2 instances here"):
        plan_of(direct=True, versions={SERVICE: NewVersion()})


def test_a_drill_overrides_variables_of_a_services_instances_alone():
    plan = plan_of(scale={SERVICE: 2}, overrides={SERVICE: {"PUBLISHES": "none"}})
    changed = {node.name for node in plan.nodes if "a drill" in node.origins.values()}
    assert changed == {SERVICE, f"{SERVICE}.2"}
    assert redact(plan.node(SERVICE).launch.env["PUBLISHES"]) == "none"
    assert plan.node(SERVICE).launch.forked is None


def test_a_plan_with_a_new_version_and_other_variables_is_bound_once(monkeypatch):
    counted = Counter[str]()
    begin = Bindings.__init__

    def count(self, *given):
        counted["bindings"] += 1
        begin(self, *given)

    monkeypatch.setattr(Bindings, "__init__", count)
    plan_of(versions={SERVICE: NewVersion()}, overrides={SERVICE: {"PUBLISHES": "none"}})
    assert counted == {"bindings": 1}
