"""Defects that were written before any gate was asked: each is named, its correction is not.

A set is a folder of lists of cases: the files with one defect, and what to replace to correct it.
`at_first` says whether a gate found it when the set was tried for the first time; what was missed
then has been corrected since, so only that number says what to expect of other files.
docs/evidence/recall.md has the figures of all sets.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from tarmac.base import registry
from tarmac.check import gates
from tarmac.check.verify import folder
from tarmac.check.verify.running import Suppressions

ROOT = Path(__file__).parents[2]
GATES = registry.load(gates, "GATE")
SETS = {
    folder.name: [
        case
        for path in sorted(folder.glob("*.yaml"))
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
    for folder in sorted(Path(__file__).parent.iterdir())
    if folder.is_dir() and folder.name != "__pycache__"
}
CASES = [case for cases in SETS.values() for case in cases]
#: One is found by a program of others, which the presubmit does not have; one without a gate is
#: found by none.
OWN = [case for case in CASES if "gate" in case and not GATES[case["gate"]].program]


def corrected(case):
    files = dict(case["files"])
    for path, pairs in case["right"].items():
        for wrong, right in pairs:
            assert files[path].count(wrong) == 1
            files[path] = files[path].replace(wrong, right)
    return files


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Write files down, and list what one gate finds in them."""

    def find(files, gate):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        report = folder.judge(Path(), date(2026, 11, 28), (GATES[gate],), lambda _: Suppressions())
        return {finding.what for result in report.results for finding in result.findings}

    return find


@pytest.mark.parametrize("case", OWN, ids=lambda case: case["case"])
def test_a_defect_is_named_and_its_correction_is_not(case, found, tmp_path):
    wrong = found(case["files"], case["gate"])
    for name in case["files"]:
        (tmp_path / name).unlink()
    right = found(corrected(case), case["gate"])
    assert wrong - right


@pytest.mark.parametrize("name", SETS)
def test_the_page_says_how_many_were_found_at_first(name):
    page = (ROOT / "docs/evidence/recall.md").read_text(encoding="utf-8")
    cases = SETS[name]
    first, later = sum(case["at_first"] for case in cases), sum("gate" in case for case in cases)
    shares = (f"{number} ({round(100 * number / len(cases))} %)" for number in (first, later))
    row = f"| {len(cases)} | {' | '.join(shares)} |"
    begins = tuple(f"| {article} {name} one, " for article in ("a", "an"))
    assert any(line.startswith(begins) and row in line for line in page.splitlines())


def test_no_case_is_there_twice():
    names = [case["case"] for case in CASES]
    assert len(names) == len(set(names))
