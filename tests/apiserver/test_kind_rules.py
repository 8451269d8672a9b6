"""Rules in CEL of custom resources' definitions: OBJ014 says what a real API server says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import kube_trees
import pytest
import yaml
from small_system import GATES

from tarmac.base.artifact import Artifact, Format
from tarmac.check.gates.subject import Folder

pytestmark = pytest.mark.servers

#: Objects that are taken, each with changes of which every one is refused: a path, and a value.
CASES = yaml.safe_load((Path(__file__).parent / "ruled_objects.yaml").read_text())
SPACE = "ruled"


def refusals(manifest):
    """List what the gate finds refused of an object."""
    folder = Folder((Artifact("a.yaml", manifest, format=Format.OBJECT),), date(2026, 11, 20))
    found = [one.what for one in GATES["OBJ014"].of_files(folder)]
    return [what.partition(" is refused: ")[2].removesuffix("; correct it") for what in found]


def changed(manifest, path, value):
    """Return an object with another value in one place; none: without what is there."""
    copy = yaml.safe_load(yaml.safe_dump(manifest))
    *above, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = copy
    for step in above:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copy


@pytest.fixture
async def space(kube):
    within = kube_trees.namespace(SPACE, {})
    assert not (await kube.apply(within)).refused
    await kube_trees.define(kube, [case["taken"] for case in CASES])
    yield within
    await kube_trees.take_away(kube, [within])


async def test_a_rule_refuses_here_what_it_refuses_there(kube, space):
    for case in CASES:
        taken = case["taken"]
        assert refusals(taken) == [], taken["kind"]
        assert (await kube.create(taken, dryRun="All")).refused == "", taken["kind"]
        for change in case["refused"]:
            spoiled = changed(taken, change["at"], change.get("value"))
            said = refusals(spoiled)
            answer = (await kube.create(spoiled, dryRun="All")).refused
            assert said, (change, answer)
            for one in said:
                assert one in answer, (change, answer)
