"""An attestation closes an item until its last day, and never counts as what a program did."""

from __future__ import annotations

import json
import textwrap
import xml.etree.ElementTree as ET
from datetime import date

import pytest

from tarmac.base.errors import BadInput
from tarmac.base.report import Finding, Level, Report, Result, Status
from tarmac.check.reporting import as_json, as_junit, as_sarif, as_text
from tarmac.check.verify.checklist_files import ChecklistFiles
from tarmac.check.verify.join import join
from tarmac.model.checklist import Checklist, invalid_attestations
from tarmac.model.loader import read_as
from tarmac.model.recorded import RecordedProofs

TODAY = date(2026, 11, 21)
FILE = "systems/mini/checklist.yaml"
RESTORED = (
    "{what: Restored it in 14 min, day: 2026-11-02, by: ops@example.com, "
    "evidence: ../../docs/restore.md, until: 2027-02-02, target: cloud}"
)


def checklist(attestation, more=""):
    text = f"""
        checklist: 1
        items:
          - id: "5"
            phase: recovery
            title: Backups
            {more}
            attestation: [{attestation}]
        """
    return read_as(Checklist, FILE, textwrap.dedent(text).strip().encode())


def files(read):
    return ChecklistFiles(*read, RecordedProofs(proofs=1, requirements={}))


def item(*results, attestation=RESTORED, more="needs: cloud", today=TODAY):
    (found,) = join(files(checklist(attestation, more)), results, None, today)
    return found


def ran(status=Status.PASS, level=Level.TESTED, what="gate:NET001"):
    why = "helm is missing; get it" if status is Status.SKIPPED else ""
    return Result(what, "it holds", "recovery", status, level, "tree", why=why)


def report(*items, ready=True, results=()):
    return Report("mini", ("production",), "2026-11-21", tuple(results), items, ready=ready)


def test_an_item_that_needs_a_cloud_passes_by_an_attestation_of_it():
    found = item()
    assert (found.status, found.reached) == (Status.PASS, "observed@cloud, attested")
    (proof,) = found.proofs
    assert proof.attestation is not None
    assert (proof.attestation.by, proof.attestation.day) == ("ops@example.com", "2026-11-02")
    assert proof.evidence == "docs/restore.md", "as its reader finds it, not from the checklist"


def test_it_is_worth_no_more_than_it_says():
    said = RESTORED.replace("target: cloud", "target: laptop, level: valid")
    assert item(attestation=said).reached == "valid@laptop, attested"


@pytest.mark.parametrize("status", [Status.FAIL, Status.STALE, Status.SKIPPED])
def test_it_does_not_stand_in_for_a_proof_that_does_not_pass(status):
    found = item(ran(status), more="proofs: [{gate: NET001}]")
    assert (found.status, found.reached) == (status, "")


def test_it_does_not_stand_in_for_a_proof_that_never_ran():
    assert item(more="proofs: [{test: t.py::x}]").status is Status.SKIPPED


def test_an_item_of_both_reaches_the_lower_and_is_partly_attested():
    found = item(ran(), more="proofs: [{gate: NET001}]\n            needs: cloud")
    assert (found.status, found.reached) == (Status.PASS, "tested@tree, partly attested")


@pytest.mark.parametrize(
    ("today", "status"),
    [
        (date(2026, 11, 2), Status.PASS),
        (date(2027, 2, 2), Status.PASS),
        (date(2027, 2, 3), Status.STALE),
    ],
)
def test_it_counts_up_to_its_last_day_and_is_stale_from_then_on(today, status):
    assert item(today=today).status is status


def test_what_is_over_says_whose_it_was_and_what_to_do():
    found = item(today=date(2027, 2, 3))
    assert (
        found.why == "the attestation of 2026-11-02 by ops@example.com was valid until 2027-02-02"
    )
    assert found.remedy == "repeat the test attested on 2026-11-02, and write the new day and end"
    assert found.reached == ""


def test_one_of_two_that_is_over_is_enough_to_open_the_item():
    other = RESTORED.replace("2027-02-02", "2026-11-20")
    assert item(attestation=f"{RESTORED}, {other}").status is Status.STALE


@pytest.mark.parametrize(
    ("attestation", "said"),
    [
        (
            "{}",
            [":7:19: entry 1 of attestation lacks 'until'; add `until: 2027-02-02`", "'evidence'"],
        ),
        (RESTORED.replace("Restored it in 14 min", "' '"), [":7:26: what is empty; write a short"]),
        (RESTORED.replace("2026-11-02", "yesterday"), ["day is 'yesterday'; write a date, e.g."]),
        (
            RESTORED.replace("2027-02-02", "2026-11-01"),
            ["entry 1 of attestation ends on 2026-11-01, before its day (2026-11-02); write a"],
        ),
        (
            RESTORED.replace("../../docs/restore.md", "/root/a.md").replace("cloud", "A Cloud"),
            ["evidence is '/root/a.md'; write a file's path from", "target is 'A Cloud'; use a-z"],
        ),
        (RESTORED.replace("../../docs/restore.md", "http://x.example/a"), ["with https://"]),
        (RESTORED.replace("../../docs/restore.md", "https://me:pw@x.example"), ["with https://"]),
        (RESTORED.replace("target", "where"), ["unknown key 'where'", "lacks 'target'"]),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place_all_of_it_at_once(attestation, said):
    with pytest.raises(BadInput) as refused:
        checklist(attestation)
    assert str(refused.value).startswith(f"{FILE}:7:")
    for text in said:
        assert text in str(refused.value)


def test_a_day_to_come_and_a_file_that_is_not_there_are_found_at_their_places():
    tomorrow = RESTORED.replace("2026-11-02", "2026-11-22")
    found = invalid_attestations(*checklist(f"{tomorrow}, {RESTORED}"), TODAY, lambda _: False)
    first, second, third = map(str, found)
    assert first.startswith(
        f"{FILE}:7:54: item 5 is attested on 2026-11-22, which is after 2026-11-21"
    )
    assert second.startswith(f"{FILE}:7:")
    assert "file '../../docs/restore.md' does not exist; create it" in third


def test_today_is_no_day_to_come_and_an_address_is_not_looked_for():
    attestation = RESTORED.replace("2026-11-02", "2026-11-21")
    attestation = attestation.replace("../../docs/restore.md", "https://wiki.example.com/restore")
    assert list(invalid_attestations(*checklist(attestation), TODAY, lambda _: False)) == []


def test_ready_is_every_item_and_what_it_asks_is_the_same_without():
    assert report(item()).passed(strict=False)
    waits = item(attestation="", more="needs: cloud")
    assert waits.status is Status.NEEDS_CLOUD
    assert not report(item(), waits).passed(strict=False)
    assert report(item(), waits, ready=False).passed(strict=True)
    failed = ran(Status.FAIL)
    assert not report(item(), results=[failed]).passed(strict=False)


OPEN = item(attestation="", more="needs: later phase")


def test_text_tells_an_attestation_from_a_run_and_what_is_open_at_the_end():
    lines = as_text.write(report(item(), OPEN)).splitlines()
    assert "  pass           5  Backups  [observed@cloud, attested]" in lines
    attested = (
        "pass     attested 2026-11-02 by ops@example.com (observed@cloud until 2027-02-02): "
        "Restored it in 14 min docs/restore.md"
    )
    assert f"{' ' * 20}{attested}" in lines
    assert lines[-3:] == [
        "not ready: 1 of 2 checklist items is open",
        "  not-yet        5  Backups",
        f"{' ' * 20}{FILE}:3:9: {OPEN.remedy}",
    ]
    assert OPEN.remedy.startswith(
        "name a proof under `proofs`, or record an observation under `attestation`"
    )
    assert (
        as_text.write(report(item())).splitlines()[-1]
        == "ready: 1 of 1 checklist items pass, 1 attested"
    )
    assert "not ready" not in as_text.write(report(OPEN, ready=False))


def test_a_gate_that_no_item_names_is_not_hidden_by_items_that_pass():
    failed = ran(Status.FAIL)
    last = as_text.write(report(item(), results=[failed])).splitlines()[-1]
    assert (
        last
        == "not ready: 1 of 1 checklist items pass, 1 attested; there are other findings as well"
    )
    assert json.loads(as_json.write(report(item(), results=[failed])))["ready"] is False


def test_json_has_the_person_the_day_and_what_is_open():
    written = json.loads(as_json.write(report(item(), OPEN)))
    (proof,) = written["items"][0]["proofs"]
    assert proof["attestation"] == {
        "by": "ops@example.com", "day": "2026-11-02", "until": "2027-02-02"
    }  # fmt: skip
    assert (written["open"], written["ready"]) == (["5"], False)
    assert written["items"][1]["remedy"] == OPEN.remedy
    assert json.loads(as_json.write(report(OPEN, ready=False)))["ready"] is None


def cases(made):
    return ET.fromstring(made.partition("\n")[2]).findall("testsuite/testcase")


def test_junit_fails_an_open_item_only_where_every_item_has_to_pass():
    done, open_ = cases(as_junit.write(report(item(), OPEN)))
    assert done.findtext("system-out") == "observed@cloud, attested"
    failure = open_.find("failure")
    assert failure is not None
    assert (
        failure.get("message")
        == f"{FILE}:3:9: checklist item 5 (Backups) is open (not-yet); {OPEN.remedy}"
    )
    (open_,) = cases(as_junit.write(report(OPEN, ready=False)))
    assert (open_.find("failure"), open_.find("skipped") is not None) == (None, True)


def test_sarif_points_at_the_open_item_only_where_every_item_has_to_pass():
    def results(made):
        return json.loads(as_sarif.write(made))["runs"][0]["results"]

    (found,) = results(report(item(), OPEN))
    place = found["locations"][0]["physicalLocation"]
    assert (found["ruleId"], found["level"]) == ("checklist", "error")
    assert place["artifactLocation"]["uri"] == FILE
    assert place["region"] == {"startLine": 3, "startColumn": 9}
    assert results(report(OPEN, ready=False)) == []


def test_each_kind_of_proof_has_its_own_way_to_pass():
    more = "proofs: [{gate: NET001}, {gate: NET002}, {test: t.py::x}, {bench: bench/b.py}]"
    found = item(
        ran(Status.SKIPPED),
        ran(Status.FAIL, what="gate:NET002"),
        ran(Status.FAIL, what="test:t.py::x"),
        attestation="",
        more=more,
    )
    assert found.remedy.split("; ") == [
        "helm is missing",
        "get it",
        "fix what NET002 found",
        "fix it and run t.py::x with --junitxml=FILE, and verify with --junit FILE",
        "run bench/b.py",
    ]


def test_a_gate_that_looks_at_nothing_here_says_so():
    found = item(attestation="", more="proofs: [{gate: PIP001}]")
    assert found.remedy.startswith("PIP001 judges none of these environments; verify them all")


def test_an_open_item_is_a_finding_of_its_place():
    assert report(OPEN).unready == (
        Finding(
            f"{FILE}:3:9",
            f"checklist item 5 (Backups) is open (not-yet); {OPEN.remedy}",
            "checklist",
        ),
    )
    assert report(OPEN, ready=False).unready == ()
