"""Each system's checklist has every item of its roadmap, and takes its proofs from the book."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import book
import pytest

from tarmac.base import registry
from tarmac.base.report import Status
from tarmac.check import gates
from tarmac.check.verify.checklist_files import ChecklistFiles
from tarmac.check.verify.join import join
from tarmac.model.checklist import Checklist, invalid_attestations, problems
from tarmac.model.loader import read_as
from tarmac.model.recorded import RecordedProofs
from tarmac.model.report_data import ReportData
from tarmac.render.renderer import PHASES

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

import book_pages

ROOT = Path(__file__).parents[2]
GATES = registry.load(gates, "GATE")
#: What each roadmap has: verify items, readiness items, success metrics, ends of its phases.
COUNTS = {"shop": 64, "trading": 8, "hello-dd": 10, "travel": 19, "starter": 13}
#: Verify items of each of the shop's fourteen phases.
SHOP = (4, 4, 5, 5, 5, 5, 4, 4, 5, 4, 5, 5, 5, 4)


def checklist(system):
    path = ROOT / "systems" / system / "checklist.yaml"
    return read_as(Checklist, f"systems/{system}/checklist.yaml", path.read_bytes())


def recorded(system, record=None):
    """Read what is recorded of a system, or what would be, had other tests passed."""
    if record is None:
        raw = (ROOT / "systems" / system / "proofs.yaml").read_bytes()
    else:
        raw = book_pages.system_proofs(book.entries(), record, system).encode()
    return read_as(RecordedProofs, f"systems/{system}/proofs.yaml", raw)[0]


@pytest.mark.parametrize(("system", "count"), COUNTS.items())
def test_no_item_of_a_roadmap_is_missing(system, count):
    assert len(checklist(system)[0].items) == count


def test_the_shop_has_each_phases_items():
    ids = [item.id for item in checklist("shop")[0].items]
    assert ids == [f"{p}.{n}" for p, many in enumerate(SHOP, 1) for n in range(1, many + 1)]


@pytest.mark.parametrize("system", COUNTS)
def test_a_checklist_is_well_formed(system):
    found = checklist(system)
    known = recorded(system).requirements
    assert list(map(str, problems(*found, GATES, PHASES, known))) == []
    folder = ROOT / "systems" / system
    is_there = [*invalid_attestations(*found, date.max, lambda name: (folder / name).is_file())]
    assert list(map(str, is_there)) == []


@pytest.mark.parametrize("system", COUNTS)
def test_level_proof_and_note_are_the_books_alone(system):
    own = ("proofs", "note", "needs")
    items = checklist(system)[0].items
    assert [item.id for item in items if any(getattr(item, key) for key in own)] == []
    known = {entry["id"] for entry in book.entries() if system in entry["systems"]}
    named = {name for item in items for name in item.requirements}
    assert [item.id for item in items if not item.requirements] == []
    data = ROOT / "systems" / system / "reports.yaml"
    if data.is_file():
        named |= {*read_as(ReportData, str(data), data.read_bytes())[0].requirements}
    assert named - known == set()
    assert named == recorded(system).requirements.keys()


@pytest.mark.parametrize("system", COUNTS)
def test_a_drill_that_a_command_names_is_there(system):
    named = {
        (words[2], words[3])
        for item in checklist(system)[0].items
        if (words := item.command.split())[:2] == ["tarmac", "drill"]
    }
    missing = [(of, name) for of, name in named if not drill(of, name).is_file()]
    assert missing == []


@pytest.mark.parametrize("system", COUNTS)
def test_what_needs_a_cluster_a_cloud_or_a_person_has_the_command_that_would_show_it(system):
    needs = (Status.NEEDS_CLUSTER, Status.NEEDS_CLOUD, Status.NEEDS_PERSON)
    files = ChecklistFiles(*checklist(system), recorded(system))
    items = [item for item in join(files, [], None, date(2026, 11, 26)) if item.status in needs]
    assert items
    runs = {item.id: [proof.run for proof in item.proofs if proof.run] for item in items}
    assert [item.id for item in items if not item.command and not runs[item.id]] == []


def drill(system, name):
    return ROOT / "systems" / system / "drills" / f"{name}.yaml"


def test_with_every_proof_run_the_shop_has_twenty_items_that_pass_each_by_a_test_that_ran():
    record = {
        name: book.Outcome(book.PASSED, "2026-11-26", "c") for name in book.named(book.entries())
    }
    files = ChecklistFiles(*checklist("shop"), recorded("shop", record))
    items = list(join(files, [], None, date(2026, 11, 26)))
    passed = [item for item in items if item.status is Status.PASS]
    assert len(passed) >= 20
    for item in passed:
        assert [proof.what for proof in item.proofs if proof.day], item.id
        assert item.reached, item.id
    skipped = {item.id for item in items if item.status is Status.SKIPPED}
    assert skipped == set()


def test_without_a_record_no_item_passes_by_a_test():
    for system in COUNTS:
        files = ChecklistFiles(*checklist(system), recorded(system, {}))
        for item in join(files, [], None, date(2026, 11, 26)):
            assert item.status is not Status.PASS, (system, item.id)
