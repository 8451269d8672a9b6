"""VAL022 asks zizmor about each workflow by itself once one of them ends it for all."""

from __future__ import annotations

from datetime import date

import pytest

from tarmac.base.artifact import read
from tarmac.base.errors import TarmacError
from tarmac.check.gates.programs import val022_zizmor
from tarmac.check.gates.subject import Folder

WORKFLOW = "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'true'}]}}\n"


@pytest.fixture
def judged(monkeypatch):
    """Judge two workflows with a zizmor that ends at those of some names."""

    def judge(*broken):
        def run(argv, *_, **__):
            if any(name in " ".join(argv) for name in broken):
                raise TarmacError("zizmor: ended with 1: input is not valid YAML")
            return "[]"

        monkeypatch.setattr(val022_zizmor, "find", lambda name: name)
        monkeypatch.setattr(val022_zizmor, "run", run)
        names = [f".github/workflows/{name}.yaml" for name in ("one", "two")]
        artifacts = tuple(artifact for name in names for artifact in read(name, WORKFLOW))
        return list(val022_zizmor.GATE.of_files(Folder(artifacts, date(2026, 11, 20))))

    return judge


def test_a_workflow_that_it_cannot_read_is_a_warning_and_others_are_asked(judged):
    (finding,) = judged("two.yaml")
    assert (finding.where, finding.warning) == (".github/workflows/two.yaml", True)
    assert "cannot read it" in finding.what


def test_workflows_that_it_reads_are_asked_at_once(judged):
    assert judged() == []
