"""What a drill is written as for Chaos Mesh is taken by a real API server, by its own definitions.

Its controllers do not run: nothing is disturbed.
"""

from __future__ import annotations

import pytest
from experiments_of import exported, steps_of, write_drill
from kube_api import changed, title
from kube_trees import define, namespace, put, take_away
from rendered import ROOT

from tarmac.drill.experiments import chaos_mesh

pytestmark = pytest.mark.servers


@pytest.fixture
async def wanted(kube, tmp_path):
    """List an object of each kind; whatever of them is there at the end goes."""
    again = "fault: kill, on: order-service, share: 50, every: 10s, for: 30s"
    drill = write_drill(tmp_path / "all-at-once.yaml", [*steps_of(chaos_mesh.WRITERS), again])
    listed = exported("chaos-mesh", drill)
    listed += exported("chaos-mesh", ROOT / "systems/shop/drills/orders-pod-kill.yaml")
    for name in {one["metadata"]["namespace"] for one in listed}:
        assert not (taken := await kube.apply(namespace(name))).refused, taken.refused
    await define(kube, listed)
    yield listed
    await take_away(kube, listed)


async def test_experiments_are_taken_and_kept_as_they_are(kube, wanted):
    said = await put(kube, wanted)
    assert {name: answer.refused for name, answer in said.items() if answer.refused} == {}
    assert len(said) == len(wanted)
    live = {title(one): (await kube.get(one)).data for one in wanted}
    lost = {title(one): [*changed(one, live[title(one)])] for one in wanted}
    assert {name: what for name, what in lost.items() if what} == {}
