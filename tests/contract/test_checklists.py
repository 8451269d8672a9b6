"""Each system's checklist has every item of its roadmap, and names only proofs that are there."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest
import yaml

from tarmac import gates, registry
from tarmac.model.checklist import Checklist, invalid_attestations, problems
from tarmac.model.loader import read_as
from tarmac.render.renderer import PHASES

ROOT = Path(__file__).parents[2]
GATES = registry.load(gates, "GATE")
#: What each roadmap has: verify items, readiness items, success metrics, ends of its phases.
COUNTS = {"shop": 64, "trading": 8, "hello-dd": 10, "travel": 19, "starter": 13}
#: Verify items of each of the shop's fourteen phases.
SHOP = (4, 4, 5, 5, 5, 5, 4, 4, 5, 4, 5, 5, 5, 4)


def checklist(system):
    path = ROOT / "systems" / system / "checklist.yaml"
    return read_as(Checklist, f"systems/{system}/checklist.yaml", path.read_bytes())


def proofs(system):
    return [proof for item in checklist(system)[0].items for proof in item.proofs]


@pytest.mark.parametrize(("system", "count"), COUNTS.items())
def test_no_item_of_a_roadmap_is_missing(system, count):
    assert len(checklist(system)[0].items) == count


def test_the_shop_has_each_phases_items():
    ids = [item.id for item in checklist("shop")[0].items]
    assert ids == [f"{p}.{n}" for p, many in enumerate(SHOP, 1) for n in range(1, many + 1)]


@pytest.mark.parametrize("system", COUNTS)
def test_a_checklist_is_well_formed(system):
    found = checklist(system)
    assert list(map(str, problems(*found, GATES, PHASES))) == []
    folder = ROOT / "systems" / system
    is_there = [*invalid_attestations(*found, date.max, lambda name: (folder / name).is_file())]
    assert list(map(str, is_there)) == []


@pytest.mark.parametrize("system", COUNTS)
def test_every_test_that_is_named_is_there(system):
    missing = []
    for proof in proofs(system):
        if proof.test:
            file, *names = proof.test.split("::")
            tree = ast.parse((ROOT / file).read_text())
            defined = {n.name for n in ast.walk(tree) if hasattr(n, "name")}
            missing += [proof.test] if not set(names) <= defined else []
    assert missing == []


@pytest.mark.parametrize("system", COUNTS)
def test_every_figure_that_is_named_is_there(system):
    assert [p.bench for p in proofs(system) if p.bench and not (ROOT / p.bench).is_file()] == []


@pytest.mark.parametrize("system", COUNTS)
def test_every_requirement_that_is_named_is_one_of_the_systems(system):
    entries = yaml.safe_load((ROOT / "tests/requirements.yaml").read_text())
    known = {entry["id"] for entry in entries if system in entry["systems"]}
    named = {
        requirement for item in checklist(system)[0].items for requirement in item.requirements
    }
    assert named - known == set()


def test_what_nothing_proves_says_what_it_needs():
    silent = [
        f"{system} {item.id}"
        for system in COUNTS
        for item in checklist(system)[0].items
        if not item.proofs and not item.attestation and not item.needs
    ]
    assert silent == []
