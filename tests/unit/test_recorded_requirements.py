"""A requirement is worth what its recorded tests are, and what it lacks is what its item needs."""

from __future__ import annotations

import textwrap
from datetime import date

import pytest

from tarmac.base.errors import BadInput
from tarmac.base.report import Level, Report, Result, Status
from tarmac.check.reporting import as_text
from tarmac.check.verify.checklist_files import ChecklistFiles
from tarmac.check.verify.join import join
from tarmac.model.checklist import Checklist, problems
from tarmac.model.loader import read_as
from tarmac.model.recorded import RecordedProofs

TODAY = date(2026, 6, 1)
PROOFS = """
    proofs: 1
    requirements:
      DONE: {title: Holds, status: done, level: observed, target: local, tests: [a.py::a, a.py::b]}
      FAR: {title: Far, status: done, level: observed, target: cluster, tests: [a.py::a, a.py::far]}
      BROKEN: {title: It breaks, status: done, level: tested, target: tree, tests: [a.py::broken]}
      HALF: {title: Half, status: partly, level: tested, target: tree, needs: cluster,
             note: no node ran it, tests: [a.py::a]}
      UNSEEN: {title: Half, status: partly, level: applied, target: apiserver, needs: cluster,
               note: no node ran it, tests: [a.py::far]}
      ACCOUNT: {title: In AWS, status: open, needs: cloud}
      RULE: {title: R, status: done, level: tested, target: tree, tests: [a.py::a], gates: [NET001]}
      GATE: {title: A gate, status: done, level: tested, target: tree, gates: [NET001]}
    passed: {2026-05-31: [a.py::a, a.py::b]}
    failed: {make test: [a.py::broken]}
    not_run: {make test-slow TOPIC=cluster: [a.py::far]}
    """


def recorded(text=PROOFS):
    return read_as(RecordedProofs, "proofs.yaml", textwrap.dedent(text).encode())[0]


def checklist(more):
    text = f"checklist: 1\nitems:\n  - {{id: a, phase: kubernetes, title: It holds, {more}}}"
    return read_as(Checklist, "checklist.yaml", text.encode())


def item(more, *results):
    (found,) = join(ChecklistFiles(*checklist(more), recorded()), results, None, TODAY)
    return found


def gate(status):
    return Result("gate:NET001", "it holds", "kubernetes", status, Level.TESTED, "tree")


def shown(found):
    report = Report("mini", ("production",), "2026-06-01", (), (found,))
    return as_text.write(report).splitlines()


def test_an_item_passes_by_the_recorded_tests_of_its_requirement_which_are_named_with_their_day():
    found = item("requirements: [DONE]")
    assert (found.status, found.reached) == (Status.PASS, "observed@local")
    lines = shown(found)
    assert "shown: 1 of 1 checklist items" in lines
    assert f"{' ' * 20}pass     requirement DONE observed@local" in lines
    assert f"{' ' * 20}pass     test a.py::a ran on 2026-05-31" in lines


def test_a_test_that_did_not_run_proves_nothing_and_names_its_command():
    found = item("requirements: [FAR, DONE], command: kubectl get pods")
    assert (found.status, found.reached) == (Status.SKIPPED, "")
    assert found.why == "not shown on this machine: 1 of 2 tests did not run"
    assert found.remedy == "run `make test-slow TOPIC=cluster`"
    lines = shown(found)
    assert f"{' ' * 20}$ make test-slow TOPIC=cluster" in lines
    assert f"{' ' * 20}$ kubectl get pods" in lines


def test_a_test_that_failed_fails_the_item():
    assert item("requirements: [DONE, BROKEN]").status is Status.FAIL


@pytest.mark.parametrize(
    ("names", "status", "reached"),
    [
        ("HALF, DONE", Status.NEEDS_CLUSTER, "tested@tree"),
        ("UNSEEN, DONE", Status.NEEDS_CLUSTER, ""),
        ("ACCOUNT", Status.NEEDS_CLOUD, ""),
        ("HALF, ACCOUNT", Status.NEEDS_CLOUD, ""),
    ],
)
def test_what_is_not_done_says_what_it_needs(names, status, reached):
    found = item(f"requirements: [{names}]")
    assert (found.status, found.reached) == (status, reached)


def test_an_attestation_closes_what_a_requirement_leaves_open():
    terms = "day: 2026-05-02, by: ops, evidence: https://example.com/a, until: 2027-01-01"
    attested = f"[{{what: Seen, {terms}, target: cluster}}]"
    found = item(f"requirements: [HALF], attestation: {attested}")
    assert (found.status, found.command) == (Status.PASS, "")


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("RULE", Status.FAIL, Status.FAIL),
        ("RULE", Status.SKIPPED, Status.PASS),
        ("RULE", Status.NOT_APPLICABLE, Status.PASS),
        ("GATE", Status.PASS, Status.PASS),
        ("GATE", Status.SKIPPED, Status.SKIPPED),
        ("GATE", Status.NOT_APPLICABLE, Status.NOT_APPLICABLE),
    ],
)
def test_a_gate_of_a_requirement_may_fail_it_and_passes_it_alone_only_where_it_judged(
    name, status, expected
):
    assert item(f"requirements: [{name}]", gate(status)).status is expected


def test_what_ran_here_on_what_is_here_now_is_newer_than_the_record():
    ran = Result("test:a.py::far", "", "", Status.PASS, Level.OBSERVED, "cluster")
    assert item("requirements: [FAR]", ran).status is Status.PASS
    failed = Result("test:a.py::a", "", "", Status.FAIL, Level.OBSERVED, "cluster", why="it broke")
    assert item("requirements: [DONE]", failed).status is Status.FAIL
    stale = Result("test:a.py::a", "", "", Status.STALE, Level.OBSERVED, "cluster")
    assert item("requirements: [DONE]", stale).status is Status.PASS


def test_a_gate_that_does_not_apply_is_not_the_end_of_an_item_with_other_proofs():
    found = item("requirements: [DONE], proofs: [{gate: NET001}]", gate(Status.NOT_APPLICABLE))
    assert (found.status, found.reached) == (Status.PASS, "observed@local")


def test_an_unknown_requirement_is_refused_at_its_place():
    (problem,) = problems(*checklist("requirements: [DON]"), [], ["kubernetes"], ["DONE"])
    assert str(problem) == (
        "checklist.yaml:3:64: item a names unknown requirement 'DON'; did you mean 'DONE'?"
    )
    without = [*problems(*checklist("requirements: [DON]"), [], ["kubernetes"])]
    assert [str(problem).partition("; ")[0] for problem in without] == [
        "checklist.yaml:3:10: item a has no proofs"
    ]


def test_a_file_of_proofs_that_is_none_is_refused_at_its_place():
    with pytest.raises(BadInput, match=r"proofs.yaml:4:3[0-9]: status is 'certain'"):
        recorded(PROOFS.replace("status: done", "status: certain", 1))
