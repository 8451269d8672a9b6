"""What a fault and a kind of drill need of a target, and what a kind of target has."""

from __future__ import annotations

import typing

import pytest

from tarmac.base import target
from tarmac.base.target import (
    Edges,
    Instances,
    Networks,
    Nodes,
    Processes,
    Scaling,
    Target,
    abilities,
    missing,
)
from tarmac.drill import needs
from tarmac.drill.drill import DrillContext
from tarmac.drill.file.drill_file import faults
from tarmac.run.cluster.cluster_target import ClusterTarget
from tarmac.run.compose.compose_target import ComposeTarget
from tarmac.run.local.supervisor.local_target import LocalTarget

FAULTS, KINDS = faults(), needs.kinds()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_exactly_the_abilities_that_its_code_may_use(name):
    hint = typing.get_type_hints(FAULTS[name].inject)["target"]
    assert abilities([hint]) == abilities(FAULTS[name].needs) != ()


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_drill_names_exactly_the_abilities_that_its_code_may_use(name):
    context = typing.get_type_hints(KINDS[name].run)["context"]
    assert typing.get_origin(context) is DrillContext
    assert abilities(typing.get_args(context)) == abilities(KINDS[name].needs) != ()


def test_each_kind_of_target_has_its_abilities():
    assert missing(LocalTarget, target.ABILITIES) == (Nodes, Networks)
    having = {
        kind: set(target.ABILITIES) - set(missing(kind, target.ABILITIES))
        for kind in (ClusterTarget, ComposeTarget)
    }
    assert having == {
        ClusterTarget: {Instances, Nodes},
        ComposeTarget: {Instances, Processes, Scaling, Networks},
    }


def test_a_protocol_that_joins_several_asks_for_each_of_them():
    assert abilities([Target]) == target.ABILITIES[:-2]
    assert missing(ClusterTarget, [Target]) == target.ABILITIES[1:-2]


def test_a_target_that_lacks_one_method_of_an_ability_lacks_the_ability():
    class Half:
        def edges(self): ...

    assert missing(Half, [Edges]) == (Edges,)
