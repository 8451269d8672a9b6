"""What `verify --files` says of an object is what a real API server says of it."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePath

import pytest
import yaml
from kube_trees import namespace, take_away
from server_mutants import mutate
from small_system import GATES

from tarmac.base.artifact import Artifact, Format
from tarmac.check.gates.subject import Folder
from tarmac.check.verify.certainty import severity

pytestmark = pytest.mark.servers

VALID = list(yaml.safe_load_all((Path(__file__).parent / "valid_objects.yaml").read_text()))
MUTANTS = int(os.environ.get("TARMAC_SERVER_MUTANTS", "600"))
#: What these say, an API server refuses; the others also find what it takes and nobody means.
OF_SERVER = ("OBJ013", "VAL001")
JUDGING = (*OF_SERVER, "OBJ005", "OBJ007", "OBJ009", "OBJ010", "OBJ011", "RES001", "SCL005")


def errors(manifest, gates):
    """List what gates find wrong with one object."""
    folder = Folder((Artifact("a.yaml", manifest, format=Format.OBJECT),), date(2026, 11, 20))
    found = [replace(one, gate=name) for name in gates for one in GATES[name].of_files(folder)]
    certain = [
        one for one in found if not one.warning and severity(one, PurePath("a.yaml")) == "error"
    ]
    return [f"{one.gate}: {one.what}" for one in certain]


@pytest.fixture
async def space(kube):
    within = namespace("spoiled", {})
    assert not (await kube.apply(within)).refused
    yield within
    await take_away(kube, [within])


@pytest.mark.parametrize("manifest", VALID, ids=lambda one: one["kind"])
async def test_a_valid_object_is_taken_by_both(kube, space, manifest):
    assert (await kube.create(manifest, dryRun="All")).refused == ""
    assert errors(manifest, JUDGING) == []


async def test_the_gates_refuse_what_an_api_server_refuses(kube, space):
    chance, agreed, apart = random.Random(44), Counter(), []
    for number in range(MUTANTS):
        spoiled, what = mutate(VALID[number % len(VALID)], chance)
        said = (await kube.create(spoiled, dryRun="All")).refused
        ours = errors(spoiled, JUDGING if said else OF_SERVER)
        agreed[bool(said), bool(ours)] += 1
        if bool(said) != bool(ours):
            apart.append(f"{spoiled['kind']} {what}\n    server: {said or 'takes it'}\n    {ours}")
    share = (agreed[True, True] + agreed[False, False]) / MUTANTS
    print(*apart, f"agreement: {share:.1%} of {MUTANTS}; {dict(agreed)}", sep="\n")
    assert share >= 0.95
