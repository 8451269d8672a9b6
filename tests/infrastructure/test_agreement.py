"""`verify --files` names the mistakes in Terraform that Terraform refuses, without running it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from small_system import GATES
from terraform_mutants import BASES, INPUTS, Mutant, mutants, refused

from tarmac.check.verify import folder
from tarmac.check.verify.running import Suppressions

pytestmark = pytest.mark.servers

#: Of each kind of mistake, and the least share of the refused ones that is named.
OF_EACH, LEAST = 8, 0.85


def named(place: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Judge a folder, and list the folders in it that have an error."""
    monkeypatch.chdir(place)
    monkeypatch.setattr("tarmac.check.verify.doubt.MANY", 10**6)  # mistakes are in many files here
    monkeypatch.setattr("tarmac.check.verify.doubt.OFTEN", 10**6)
    gates = [gate for name, gate in GATES.items() if name.startswith("INF")]
    report = folder.judge(Path(), date(2026, 11, 20), gates, lambda _: Suppressions())
    return {one.where.split("/")[0] for one in report.findings if not one.warning}


def test_what_terraform_refuses_is_named_and_what_it_takes_is_not(tmp_path, monkeypatch):
    valid = [
        Mutant(f"m90{n}", "", b, (BASES / f"{b}.tf").read_text()) for n, b in enumerate(INPUTS)
    ]
    made = [*mutants(OF_EACH, seed=54), *valid]
    said = refused(made, tmp_path)
    (tmp_path / "main.tf").unlink()
    found = named(tmp_path, monkeypatch)
    assert not {one.name for one in valid} & (said.keys() | found)
    missed = [one for one in made if one.name in said and one.name not in found]
    for one in missed:
        print(f"missed: {one.kind}: {said[one.name][:200]}")
    counted = Counter(one.kind for one in made if one.name in said)
    assert len(said) > len(made) / 2, counted
    assert len(missed) <= (1 - LEAST) * len(said), Counter(one.kind for one in missed)
