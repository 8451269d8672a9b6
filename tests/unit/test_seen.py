"""What a person saw closes a box until its day, and is never taken for what a program did."""

from __future__ import annotations

import json
import textwrap
import xml.etree.ElementTree as ET
from datetime import date

import pytest

from tarmac.errors import BadInput
from tarmac.gates._join import join
from tarmac.model.checklist import Checklist, unfounded
from tarmac.model.loader import read_as
from tarmac.report import Finding, Level, Report, Result, Status
from tarmac.reporting import as_json, as_junit, as_sarif, as_text

TODAY = date(2026, 11, 21)
FILE = "systems/mini/checklist.yaml"
RESTORED = (
    "{what: Restored it in 14 min, day: 2026-11-02, by: ops@example.com, "
    "evidence: ../../docs/restore.md, until: 2027-02-02, target: cloud}"
)


def checklist(seen, more=""):
    text = f"""
        checklist: 1
        boxes:
          - id: "5"
            phase: recovery
            title: Backups
            {more}
            seen: [{seen}]
        """
    return read_as(Checklist, FILE, textwrap.dedent(text).strip().encode())


def box(*results, seen=RESTORED, more="needs: cloud", today=TODAY):
    (found,) = join(*checklist(seen, more), results, None, today)
    return found


def ran(status=Status.PASS, level=Level.TESTED, what="gate:NET001"):
    why = "helm is missing; get it" if status is Status.SKIPPED else ""
    return Result(what, "it holds", "recovery", status, level, "tree", why=why)


def report(*boxes, ready=True, results=()):
    return Report("mini", ("production",), "2026-11-21", tuple(results), boxes, ready=ready)


def test_a_box_that_needs_a_cloud_passes_by_what_somebody_saw_there():
    found = box()
    assert (found.status, found.reached) == (Status.PASS, "observed@cloud by hand")
    (proof,) = found.proofs
    assert proof.by_hand is not None
    assert (proof.by_hand.who, proof.by_hand.day) == ("ops@example.com", "2026-11-02")
    assert proof.evidence == "docs/restore.md", "as its reader finds it, not from the checklist"


def test_it_is_worth_no_more_than_it_says():
    said = RESTORED.replace("target: cloud", "target: laptop, level: valid")
    assert box(seen=said).reached == "valid@laptop by hand"


@pytest.mark.parametrize("status", [Status.FAIL, Status.STALE, Status.SKIPPED])
def test_it_does_not_stand_in_for_a_proof_that_does_not_pass(status):
    found = box(ran(status), more="proofs: [{gate: NET001}]")
    assert (found.status, found.reached) == (status, "")


def test_it_does_not_stand_in_for_a_proof_that_never_ran():
    assert box(more="proofs: [{test: t.py::x}]").status is Status.SKIPPED


def test_a_box_of_both_reaches_the_lower_and_says_that_a_hand_is_in_it():
    found = box(ran(), more="proofs: [{gate: NET001}]\n            needs: cloud")
    assert (found.status, found.reached) == (Status.PASS, "tested@tree, in part by hand")


@pytest.mark.parametrize(
    ("today", "status"),
    [
        (date(2026, 11, 2), Status.PASS),
        (date(2027, 2, 2), Status.PASS),
        (date(2027, 2, 3), Status.STALE),
    ],
)
def test_it_counts_up_to_its_last_day_and_is_stale_from_then_on(today, status):
    assert box(today=today).status is status


def test_what_is_over_says_whose_it_was_and_what_to_do():
    found = box(today=date(2027, 2, 3))
    assert found.why == "what ops@example.com saw on 2026-11-02 counted until 2027-02-02"
    assert found.remedy == "try again what was seen on 2026-11-02, and write the new day and end"
    assert found.reached == ""


def test_one_of_two_that_is_over_is_enough_to_open_the_box():
    other = RESTORED.replace("2027-02-02", "2026-11-20")
    assert box(seen=f"{RESTORED}, {other}").status is Status.STALE


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ("{}", [":7:12: entry 1 of seen lacks 'until'; add `until: 2027-02-02`", "'evidence'"]),
        (RESTORED.replace("Restored it in 14 min", "' '"), [":7:19: what is empty; write it"]),
        (RESTORED.replace("2026-11-02", "yesterday"), ["day is 'yesterday'; write a date, e.g."]),
        (
            RESTORED.replace("2027-02-02", "2026-11-01"),
            ["entry 1 of seen ends on 2026-11-01, before its day (2026-11-02); write a later end"],
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
def test_what_cannot_be_meant_is_refused_at_its_place_all_of_it_at_once(seen, said):
    with pytest.raises(BadInput) as refused:
        checklist(seen)
    assert str(refused.value).startswith(f"{FILE}:7:")
    for each in said:
        assert each in str(refused.value)


def test_a_day_to_come_and_a_file_that_is_not_there_are_found_at_their_places():
    tomorrow = RESTORED.replace("2026-11-02", "2026-11-22")
    found = unfounded(*checklist(f"{tomorrow}, {RESTORED}"), TODAY, lambda _: False)
    first, second, third = map(str, found)
    assert first.startswith(f"{FILE}:7:47: box 5 was seen on 2026-11-22, which is after 2026-11-21")
    assert second.startswith(f"{FILE}:7:")
    assert "there is no file '../../docs/restore.md'; write down there what was seen" in third


def test_today_is_no_day_to_come_and_an_address_is_not_looked_for():
    seen = RESTORED.replace("2026-11-02", "2026-11-21")
    seen = seen.replace("../../docs/restore.md", "https://wiki.example.com/restore")
    assert list(unfounded(*checklist(seen), TODAY, lambda _: False)) == []


def test_ready_is_every_box_and_what_it_asks_is_the_same_without():
    assert report(box()).passed(strict=False)
    waits = box(seen="", more="needs: cloud")
    assert waits.status is Status.NEEDS_CLOUD
    assert not report(box(), waits).passed(strict=False)
    assert report(box(), waits, ready=False).passed(strict=True)
    failed = ran(Status.FAIL)
    assert not report(box(), results=[failed]).passed(strict=False)


OPEN = box(seen="", more="needs: later phase")


def test_text_tells_a_hand_from_a_run_and_what_is_open_at_the_end():
    lines = as_text.write(report(box(), OPEN)).splitlines()
    assert "  pass        5  Backups  [observed@cloud by hand]" in lines
    by_hand = (
        "pass     by hand 2026-11-02 ops@example.com (observed@cloud until 2027-02-02): "
        "Restored it in 14 min docs/restore.md"
    )
    assert f"{' ' * 17}{by_hand}" in lines
    assert lines[-3:] == [
        "not ready: 1 of 2 boxes is open",
        "  not-yet     5  Backups",
        f"{' ' * 17}{FILE}:3:9: {OPEN.remedy}",
    ]
    assert OPEN.remedy.startswith("name what proves it under `proofs`, or write under `seen`")
    assert as_text.write(report(box())).splitlines()[-1] == "ready: 1 of 1 boxes pass, 1 by hand"
    assert "not ready" not in as_text.write(report(OPEN, ready=False))


def test_a_gate_that_no_box_names_is_not_hidden_by_boxes_that_pass():
    failed = ran(Status.FAIL)
    last = as_text.write(report(box(), results=[failed])).splitlines()[-1]
    assert last == "not ready: 1 of 1 boxes pass, 1 by hand; there are findings besides"
    assert json.loads(as_json.write(report(box(), results=[failed])))["ready"] is False


def test_json_has_who_and_when_and_what_is_open():
    written = json.loads(as_json.write(report(box(), OPEN)))
    (proof,) = written["boxes"][0]["proofs"]
    assert proof["by_hand"] == {
        "who": "ops@example.com", "day": "2026-11-02", "until": "2027-02-02"
    }  # fmt: skip
    assert (written["open"], written["ready"]) == (["5"], False)
    assert written["boxes"][1]["remedy"] == OPEN.remedy
    assert json.loads(as_json.write(report(OPEN, ready=False)))["ready"] is None


def cases(made):
    return ET.fromstring(made.partition("\n")[2]).findall("testsuite/testcase")


def test_junit_fails_an_open_box_only_where_every_box_has_to_pass():
    done, open_ = cases(as_junit.write(report(box(), OPEN)))
    assert done.findtext("system-out") == "observed@cloud by hand"
    failure = open_.find("failure")
    assert failure is not None
    assert failure.get("message") == f"{FILE}:3:9: box 5 (Backups) is not-yet; {OPEN.remedy}"
    (open_,) = cases(as_junit.write(report(OPEN, ready=False)))
    assert (open_.find("failure"), open_.find("skipped") is not None) == (None, True)


def test_sarif_points_at_the_open_box_only_where_every_box_has_to_pass():
    def results(made):
        return json.loads(as_sarif.write(made))["runs"][0]["results"]

    (found,) = results(report(box(), OPEN))
    place = found["locations"][0]["physicalLocation"]
    assert (found["ruleId"], found["level"]) == ("checklist", "error")
    assert place["artifactLocation"]["uri"] == FILE
    assert place["region"] == {"startLine": 3, "startColumn": 9}
    assert results(report(OPEN, ready=False)) == []


def test_each_kind_of_proof_has_its_own_way_to_pass():
    more = "proofs: [{gate: NET001}, {gate: NET002}, {test: t.py::x}, {bench: bench/b.py}]"
    found = box(
        ran(Status.SKIPPED),
        ran(Status.FAIL, what="gate:NET002"),
        ran(Status.FAIL, what="test:t.py::x"),
        seen="",
        more=more,
    )
    assert found.remedy.split("; ") == [
        "helm is missing",
        "get it",
        "mend what NET002 found",
        "mend and run t.py::x with --junitxml=FILE, and verify with --junit FILE",
        "run bench/b.py",
    ]


def test_a_gate_that_looks_at_nothing_here_says_so():
    found = box(seen="", more="proofs: [{gate: PIP001}]")
    assert found.remedy.startswith("PIP001 looks at none of these environments; verify them all")


def test_an_open_box_is_a_finding_of_its_place():
    assert report(OPEN).unready == (
        Finding(f"{FILE}:3:9", f"box 5 (Backups) is not-yet; {OPEN.remedy}", "checklist"),
    )
    assert report(OPEN, ready=False).unready == ()
