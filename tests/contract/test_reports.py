"""What `verify` writes is read by programs of others: JUnit by CI, SARIF by forges."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from junitparser import JUnitXml
from sarif_pydantic import Sarif

from tarmac.base.report import SEVERITIES, Finding, ItemResult, Level, Report, Result, Status
from tarmac.check.reporting import as_brief, as_github, as_json, as_junit, as_sarif, as_text

AT_LINE = Finding(
    "systems/mini/tarmac.yaml:4:9", "web <b> & 'c' waits too long; shorten it", "REL003"
)
IN_FILE = Finding("k8s/web/service.yaml", "port 9 is open; close it", "NET001")
OLD = Finding("k8s/web/service.yaml", "an old one; renew it", "NET001", warning=True)
BORNE = Finding("k8s/web/ingress.yaml", "changes paths; remove it", "NET003")


def result(gate, status, *findings, why=""):
    return Result(
        f"gate:{gate}", f"{gate} holds", "kubernetes", status, Level.TESTED, "tree", "production",
        findings, why, f".tarmac/evidence/production-gate-{gate}.json",
    )  # fmt: skip


RESULTS = (
    result("NET001", Status.FAIL, IN_FILE, OLD),
    result("REL003", Status.FAIL, AT_LINE),
    result("NET002", Status.PASS),
    result("RES002", Status.SKIPPED, why="nothing was measured"),
    result("OBS004", Status.NOT_APPLICABLE, why="there are no files of rules"),
    result("OBJ001", Status.ERROR, why="gate OBJ001 failed: KeyError: 'a'"),
)
BOXES = (
    ItemResult("1.1", "kubernetes", "Ports agree", "c.yaml:3:5", Status.FAIL, proofs=RESULTS[:1]),
    ItemResult(
        "1.2", "kubernetes", "Edges", "c.yaml:4:5", Status.PASS, "tested@tree", "", RESULTS[2:3]
    ),
    ItemResult("1.3", "recovery", "Restored", "c.yaml:5:5", Status.NEEDS_CLOUD, "", "an account"),
)
REPORT = Report(
    "mini",
    ("production",),
    "2026-06-01",
    RESULTS,
    BOXES,
    (
        Finding(
            "suppressions.yaml:2:5", "it hides nothing; remove it", "suppressions", warning=True
        ),
    ),
    ((BORNE, "until the move"),),
)
EMPTY = Report("mini", ("production",), "2026-06-01", ())


def test_junit_is_read_with_every_gate_and_item_and_its_outcome():
    xml = JUnitXml.fromstring(as_junit.write(REPORT).partition("\n")[2])
    outcome = {
        case.name: case.result[0].__class__.__name__ if case.result else ""
        for suite in xml
        for case in suite
    }
    assert outcome == {
        "NET001 NET001 holds": "Failure",
        "REL003 REL003 holds": "Failure",
        "NET002 NET002 holds": "",
        "RES002 RES002 holds": "Skipped",
        "OBS004 OBS004 holds": "Skipped",
        "OBJ001 OBJ001 holds": "Error",
        "suppressions.yaml:2:5": "",
        "1.1 Ports agree": "Failure",
        "1.2 Edges": "",
        "1.3 Restored": "Skipped",
    }
    assert (xml.tests, xml.failures, xml.skipped, xml.errors) == (10, 3, 3, 1)
    assert [suite.name for suite in xml] == [
        "mini production",
        "mini suppressions",
        "mini checklist",
    ]


def test_sarif_has_a_rule_for_each_gate_and_a_place_for_each_finding():
    written = json.loads(as_sarif.write(REPORT))
    Sarif.model_validate(written)
    (run,) = written["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == {"NET001", "NET002", "NET003", "REL003", "RES002", "OBS004", "OBJ001"} | {
        "suppressions"
    }
    (empty,) = [entry for entry in run["results"] if entry.get("kind") == "notApplicable"]
    assert (empty["ruleId"], empty["level"]) == ("OBS004", "none")
    assert run["invocations"][0]["executionSuccessful"] is False
    places = {
        entry["message"]["text"]: entry["locations"][0]["physicalLocation"]
        for entry in run["results"]
        if "locations" in entry
    }
    assert places[AT_LINE.what] == {
        "artifactLocation": {"uri": "systems/mini/tarmac.yaml"},
        "region": {"startLine": 4, "startColumn": 9},
    }
    assert places[IN_FILE.what] == {"artifactLocation": {"uri": "k8s/web/service.yaml"}}
    levels = {entry["message"]["text"]: entry["level"] for entry in run["results"]}
    assert (levels[IN_FILE.what], levels[OLD.what]) == ("error", "warning")
    hidden = [entry for entry in run["results"] if "suppressions" in entry]
    assert [(e["ruleId"], e["suppressions"][0]["justification"]) for e in hidden] == [
        ("NET003", "until the move")
    ]


def test_text_says_of_each_item_what_it_is_worth_and_by_what():
    lines = as_text.write(REPORT).splitlines()
    assert "  pass           1.2  Edges  [tested@tree]" in lines
    evidence = "production-gate-NET002.json"
    assert f"{' ' * 22}pass     gate NET002 production tested@tree {evidence}" in lines
    assert "  needs-cloud    1.3  Restored" in lines
    assert f"  {IN_FILE.where}: NET001: {IN_FILE.what} [production]" in lines
    assert f"  {OLD.where}: warning: NET001: {OLD.what} [production]" in lines
    assert "gates: 1 pass, 2 fail, 1 error, 1 skipped, 1 not applicable" in lines
    assert "checklist items: 1 pass, 1 fail, 1 needs cloud" in lines


def test_json_has_all_of_it():
    written = json.loads(as_json.write(REPORT))
    assert [item["status"] for item in written["items"]] == ["fail", "pass", "needs-cloud"]
    assert written["results"][1]["findings"][0]["where"] == AT_LINE.where
    assert written["suppressed"][0]["reason"] == "until the move"
    assert written["items"][1]["proofs"][0]["evidence"].endswith(evidence_of("NET002"))


def evidence_of(gate):
    return f"production-gate-{gate}.json"


def test_files_of_no_environment_are_in_every_format_by_their_line():
    line = Finding("deploy/a.yaml:7", "sends every path to /; remove it", "NET050")
    of_files = replace(result("NET050", Status.FAIL, line), target="files", environment="")
    report = Report("deploy", (), "2026-06-01", (of_files,))
    lines = as_text.write(report).splitlines()
    assert lines[0] == "deploy, judged for 2026-06-01"
    assert "  fail    NET050  files: NET050 holds (1 finding)" in lines
    assert "  deploy/a.yaml:7: NET050: sends every path to /; remove it" in lines
    (suite,) = JUnitXml.fromstring(as_junit.write(report).partition("\n")[2])
    assert (suite.name, suite.failures) == ("deploy files", 1)
    written = json.loads(as_sarif.write(report))
    Sarif.model_validate(written)
    (found,) = written["runs"][0]["results"]
    assert found["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "deploy/a.yaml"},
        "region": {"startLine": 7},
    }


@pytest.mark.parametrize(
    "write", [as_text.write, as_json.write, as_junit.write, as_sarif.write, as_github.write]
)
def test_a_report_without_findings_is_one_too(write):
    assert "mini" in write(EMPTY)
    assert write(REPORT) == write(REPORT)


def test_what_there_is_one_of_is_not_written_as_several():
    lines = as_text.write(REPORT).splitlines()
    assert any("(1 finding)" in line and "REL003" in line for line in lines)
    assert any("(2 findings)" in line and "NET001" in line for line in lines)


def test_github_has_a_command_for_each_finding_and_for_what_was_not_judged():
    remark = "it hides nothing; remove it"
    long = "web <b> & 'c' waits too long; shorten it"
    assert as_github.write(REPORT).splitlines() == [
        "::warning file=k8s/web/service.yaml,title=NET001::an old one; renew it",
        "::error file=k8s/web/service.yaml,title=NET001::port 9 is open; close it",
        f"::warning file=suppressions.yaml,line=2,col=5,title=suppressions::{remark}",
        f"::error file=systems/mini/tarmac.yaml,line=4,col=9,title=REL003::{long}",
        "::notice title=gate%3ARES002::skipped: nothing was measured",
        "::error title=gate%3AOBJ001::gate OBJ001 failed: KeyError: 'a'",
    ]


def test_github_gets_an_error_for_an_item_that_fails_without_a_finding():
    failed = Result("test:a.py::b", "b", "", Status.FAIL, Level.OBSERVED, "tree")
    item = ItemResult("1.4", "kubernetes", "It holds", "c.yaml:6:5", Status.FAIL, proofs=(failed,))
    written = as_github.write(Report("mini", (), "2026-06-01", (), (item,)))
    assert written.startswith("::error file=c.yaml,line=6,col=5,title=checklist::")
    assert written.count("\n") == 1


def test_github_is_given_no_sign_that_ends_a_command_or_a_property():
    odd = Finding("a,b:c%.yaml:7", "100% wrong: a, b\r\n::error::two lines", "NET001")
    report = Report("mini", (), "2026-06-01", (result("NET001", Status.FAIL, odd),))
    assert as_github.write(report) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=7,title=NET001::"
        "100%25 wrong: a, b%0D%0A::error::two lines\n"
    )


def test_github_gets_an_error_if_no_gate_found_input():
    nothing = replace(result("NET001", Status.NOT_APPLICABLE), target="files")
    written = as_github.write(Report("mini", (), "2026-06-01", (nothing,)))
    assert written.startswith("::error title=tarmac::mini: no gate found input")


def test_what_is_likely_comes_after_errors_and_before_other_warnings():
    doubted = Finding(
        "a.yaml:9", "names a key that is not here; add it", "OBJ008", True, likely=True
    )
    own = result("OBJ008", Status.PASS, doubted)
    report = Report("mini", (), "2026-06-01", (result("NET001", Status.FAIL, OLD, IN_FILE), own))
    lines = as_brief.write(report).splitlines()
    told = [line for line in lines if line.startswith("  ")]
    assert [line.split(": ")[1] for line in told] == ["NET001", "likely", "warning"]
    assert lines[-1].startswith("1 error, 1 likely, 1 warning; ")
    assert [report.has_any(severity) for severity in SEVERITIES] == [True, True, True]
    alone = replace(report, results=(own,))
    assert [alone.has_any(severity) for severity in SEVERITIES] == [False, True, True]
    assert alone.passed(strict=True)
    assert "::warning file=a.yaml,line=9,title=OBJ008%2C likely::" in as_github.write(alone)
    (entry,) = json.loads(as_sarif.write(alone))["runs"][0]["results"]
    assert (entry["level"], entry["properties"]) == ("warning", {"severity": "likely"})
    (written,) = json.loads(as_json.write(alone))["results"]
    assert written["findings"][0]["severity"] == "likely"


def test_thousands_of_findings_are_written_in_proportional_time(monkeypatch):
    many = [Finding(f"a.yaml:{line}:1", "is wrong; correct it", "NET001") for line in range(3000)]
    report = replace(EMPTY, results=(result("NET001", Status.FAIL, *many),))
    compared = 0

    def equal(one: Finding, other: object) -> bool:
        nonlocal compared
        compared += 1
        return one is other

    monkeypatch.setattr(Finding, "__eq__", equal)
    assert as_text.write(report).count("NET001: is wrong; correct it [production]") == 3000
    assert compared < 10 * len(many)
