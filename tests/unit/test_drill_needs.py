"""What a fault and a kind of drill need of a target, and what a kind of target has."""

from __future__ import annotations

import typing

import pytest

from tarmac.base import target
from tarmac.base.target import Edges, Instances, Nodes, Target, abilities, missing
from tarmac.drill import needs
from tarmac.drill.drill import DrillContext
from tarmac.drill.file.drill_file import faults
from tarmac.run.cluster.cluster_target import ClusterTarget
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


def test_a_cluster_has_instances_and_nodes_and_this_machine_has_all_but_nodes():
    assert missing(LocalTarget, target.ABILITIES) == (Nodes,)
    lacking = missing(ClusterTarget, target.ABILITIES)
    assert set(target.ABILITIES) - set(lacking) == {Instances, Nodes}


def test_a_protocol_that_joins_several_asks_for_each_of_them():
    assert abilities([Target]) == target.ABILITIES[:-1]
    assert missing(ClusterTarget, [Target]) == target.ABILITIES[1:-1]


def test_a_target_that_lacks_one_method_of_an_ability_lacks_the_ability():
    class Half:
        def edges(self): ...

    assert missing(Half, [Edges]) == (Edges,)
