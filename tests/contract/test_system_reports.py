"""`tarmac report` on the shipped systems: each kind says what their recorded evidence shows."""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
from warm import tarmac

from tarmac import reports
from tarmac.base import evidence, registry
from tarmac.base.foreign import files
from tarmac.base.report import Status
from tarmac.cli.main import tarmac as group
from tarmac.drill import evidence_of_run
from tarmac.model.loader import load
from tarmac.reports import as_html, as_markdown, inputs
from tarmac.reports.document import Claim, Claims, Document, Table

ROOT = Path(__file__).parents[2]
TODAY = dt.date(2026, 11, 26)
KINDS = registry.load(reports, "REPORT")


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    """Copies of the shipped systems, so that evidence is written there."""
    folder = tmp_path_factory.mktemp("reports")
    shutil.copytree(
        ROOT / "systems", folder / "systems", ignore=shutil.ignore_patterns(".tarmac", "deploy")
    )
    for name in ("services", "kit"):
        (folder / name).symlink_to(ROOT / name)
    return folder / "systems"


def run(*argv: str):
    return tarmac(*argv, folder=ROOT, environ={"PATH": os.environ["PATH"]})


@pytest.fixture(scope="module")
def report(systems):
    """Return what makes a report of a system, which is read once."""

    @functools.cache
    def read(system: str) -> inputs.ReportInputs:
        return inputs.read(systems / system / "tarmac.yaml", system, None, TODAY, ())

    return lambda system, kind: KINDS[kind].make(read(system))


def claims(document: Document, title: str = "") -> list[Claim]:
    return [
        claim
        for section in document.sections
        if title in section.title
        for block in section.blocks
        if isinstance(block, Claims)
        for claim in block.claims
    ]


def passed_without_proof(document: Document) -> list[str]:
    """Name the claims that pass and name no proof or no level."""
    passed = (claim for claim in claims(document) if claim.status is Status.PASS)
    return [claim.text for claim in passed if not claim.proofs or "@" not in claim.reached]


def open_without_answer(document: Document) -> list[str]:
    """Name the claims that are not shown and say neither why nor what would show them."""
    fine = (Status.PASS, Status.NOT_APPLICABLE)
    missing = (claim for claim in claims(document) if claim.status not in fine)
    return [claim.text for claim in missing if not claim.missing and not claim.commands]


def test_tradings_readiness_has_its_eight_items_with_proof_or_what_is_missing(report):
    made = report("trading", "readiness")
    items = claims(made)
    assert len(items) == 8
    assert {item.text[0] for item in items} == set("12345678")
    assert passed_without_proof(made) == open_without_answer(made) == []
    passed = sum(item.status is Status.PASS for item in items)
    assert f"trading is not ready for production: {passed} of 8 checklist items pass" in (
        made.summary
    )
    for section in made.sections:
        whole = all(claim.status is Status.PASS for claim in claims(made, section.title))
        assert (section.verdict == "PASS") == (whole and bool(claims(made, section.title)))


def test_travels_hardening_has_six_sections_each_with_a_verdict_and_decisions_on_its_cost(report):
    made = report("travel", "hardening")
    verdicts = {s.title: s.verdict for s in made.sections if s.title[0].isdigit()}
    assert [title[0] for title in verdicts] == list("123456")
    assert set(verdicts.values()) <= {"PASS", "FAIL", "OPEN"}
    for section in made.sections:
        open_ones = [c for c in claims(made, section.title) if c.status is not Status.PASS]
        assert not (open_ones and section.verdict == "PASS")
    assert passed_without_proof(made) == open_without_answer(made) == []
    (cost,) = (section for section in made.sections if section.title == "5. Cost")
    table = next(block for block in cost.blocks if isinstance(block, Table))
    assert len(table.rows) == 5
    prices = [float(row[2]) for row in table.rows]
    assert prices == sorted(prices, reverse=True)
    assert all("platform-team, 2026-" in row[3] for row in table.rows)
    drilled = {c.text.partition(":")[0] for c in claims(made, "4. Backup and restore")}
    assert "orders-db-restore" in drilled


def test_gates_alone_pass_no_section_of_what_is_to_be_seen_running(report):
    made = report("hello-dd", "hardening")
    gates = claims(made, "1. TLS")
    assert {claim.status for claim in gates} == {Status.PASS}
    verdicts = {s.title.partition(".")[0]: s.verdict for s in made.sections}
    assert [verdicts[number] for number in "1234"] == ["OPEN"] * 4


def test_a_security_review_without_findings_passes_and_says_so(report):
    made = report("travel", "security")
    (section,) = (one for one in made.sections if one.title == "Findings")
    assert section.verdict == "PASS"
    (said,) = section.blocks
    assert said.text == "No gate found anything, and every requirement is shown."
    assert passed_without_proof(made) == []


@pytest.mark.parametrize("system", ["trading", "shop"])
def test_a_security_review_has_findings_with_owner_and_fix_or_accepted_risk(report, system):
    made = report(system, "security")
    (section,) = (one for one in made.sections if one.title == "Findings")
    (table,) = section.blocks
    assert table.head == ("Finding", "Found by", "Owner", "Fix, or accepted risk")
    assert table.rows
    owner = dict(made.facts)["owner"]
    for row in table.rows:
        assert row[2] == owner
        assert row[3].startswith(("fix: ", "open: ", "accepted"))
    assert section.verdict == "OPEN"
    assert passed_without_proof(made) == []


@pytest.mark.parametrize("system", ["trading", "shop"])
def test_a_recovery_plan_has_goals_roles_steps_the_last_drills_and_the_drill_to_make(
    report, system
):
    made = report(system, "recovery")
    titles = [section.title for section in made.sections]
    for title in ("Goals", "Roles", "What is kept", "Restore", "Failover", "The drill", "The last"):
        assert any(one.startswith(title) for one in titles), title
    goals = next(section for section in made.sections if section.title.startswith("Goals"))
    assert all(row[2].endswith(" s") and row[4].endswith(" s") for row in goals.blocks[0].rows)
    assert ("Failback: the region is there again" in titles) == (system == "shop")
    assert passed_without_proof(made) == open_without_answer(made) == []


def test_tradings_cut_over_plan_has_seven_weeks_with_dates_and_ends_in_the_cut_over(report):
    made = report("trading", "cutover")
    (stages,) = made.sections[0].blocks
    assert [row[1].partition(",")[0] for row in stages.rows] == [
        "weeks 1 to 2", "week 3", "week 4", "week 5", "week 6", "week 7",
    ]  # fmt: skip
    assert stages.rows[-1][0] == "Cut over to production"
    assert stages.rows[-1][1] == "week 7, 2027-02-15 to 2027-02-21"
    assert "the week of 2027-02-15" in made.summary
    assert passed_without_proof(made) == open_without_answer(made) == []
    day = next(section for section in made.sections if section.title == "The day")
    assert len(day.blocks[0].steps) >= 8


def test_the_shops_cut_over_plan_follows_the_phases_of_its_checklist(report):
    made = report("shop", "cutover")
    (stages,) = made.sections[0].blocks
    assert [row[0] for row in stages.rows][:3] == ["foundation", "services", "containers"]
    assert len(claims(made)) == 64


@pytest.mark.parametrize("system", ["trading", "shop", "travel"])
def test_every_tarmac_command_of_a_report_is_one_that_tarmac_takes(report, system):
    commands = set()
    for kind in KINDS:
        text = as_markdown.write(report(system, kind))
        commands |= set(re.findall(r"^ *- (?:to show it: )?`(tarmac [^`]+)`$", text, re.MULTILINE))
    assert len(commands) > 10
    for command in commands:
        verb, *argv = shlex.split(command)[1:]
        known = group.get_command(click.Context(group), verb)
        assert known is not None, command
        known.make_context(verb, argv)


def test_the_figures_of_a_drill_are_in_the_plan_and_drawn_in_its_page(systems, tmp_path):
    """Of a run's evidence: the shop's region was lost, and one of its databases came back late."""
    folder = tmp_path / "systems/shop"
    shutil.copytree(systems / "shop", folder, ignore=shutil.ignore_patterns(".tarmac"))
    for name in ("services", "kit"):
        (tmp_path / name).symlink_to(ROOT / name)
    system = load(str(folder / "tarmac.yaml"), files.content)
    rules = {
        "region-lost": ("PASS", "visits as before after 8.8 s", 0.8),
        "orders-db-restore": (
            "FAIL",
            "served again after 7.8 s, visits as before not in time",
            None,
        ),
        "cache-restore": ("INVALID", "served again after 1.0 s, visits as before after 2.0 s", 1.0),
    }
    for drill, (verdict, back, recovered_s) in rules.items():
        written = {
            "drill": drill, "expected": "PASS", "verdict": verdict, "target": "local",
            "started": "2026-11-25T10:00:00+00:00", "recovered_s": recovered_s,
            "periods": [{"name": "during", "visits": 40, "good": 30, "p50_s": 0.1, "p99_s": 0.9,
                         "longest_s": 1.2}],
            "checks": [{"what": "RPO of orders-db", "holds": True, "limit": "1s",
                        "measured": "2 of 90 marks are lost, over 150 ms"},
                       {"what": "RTO", "holds": verdict == "PASS", "limit": "1m",
                        "measured": back}],
            "versions": {},
        }  # fmt: skip
        inputs_of = evidence.of_drill(system.files, drill)
        kept = evidence_of_run.of_journal(folder / "tarmac.yaml", written, inputs_of)
        evidence.write(folder, kept)
    made = KINDS["recovery"].make(inputs.read(folder / "tarmac.yaml", "shop", None, TODAY, ()))
    assert made.summary.startswith(
        "Recovery drills with their expected verdict on record: 1 of 4, the last one of 2026-11-25."
    )
    goals = made.sections[0]
    assert goals.verdict == "FAIL"
    rows = {row[0]: row for row in goals.blocks[0].rows}
    assert rows["region-lost"][3:] == (
        "2 of 90 marks are lost, over 150 ms", "60 s", "visits as before after 8.8 s", "2026-11-25",
    )  # fmt: skip
    assert rows["cache-restore"][3] == "not measured", "INVALID shows nothing"
    drills = {c.text.partition(":")[0]: c for c in claims(made, "The last drills")}
    assert drills["region-lost"].reached == "observed@local"
    assert drills["orders-db-restore"].status is Status.FAIL
    assert "visits as before not in time (asked: 1m)" in drills["orders-db-restore"].missing
    assert drills["cache-restore"].status is Status.SKIPPED
    page = as_html.write(made)
    assert page.count("<svg") == 3
    assert "8.8 s</text>" in page
    for loaded in ("<script", "<link", "src=", "href="):
        assert loaded not in page


def test_a_report_is_read_by_programs_as_json(systems):
    done = run("report", str(systems / "trading"), "--kind", "readiness", "--json")
    data = json.loads(done.stdout)
    assert data["facts"]["owner"] == "trading-team"
    (claim, *_) = data["sections"][0]["blocks"][0]["claims"]
    assert (claim["status"], claim["reached"]) == ("pass", "observed@cluster")


def test_help_lists_every_kind_of_report():
    shown = run("report", "--help").stdout
    assert f"One of {', '.join(KINDS)}." in " ".join(shown.split())


def test_every_kind_of_report_is_written_for_trading_as_markdown(report):
    for kind in KINDS:
        text = as_markdown.write(report("trading", kind))
        assert text.startswith("# ")
        assert "2026-11-26" in text


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (
            ("trading", "--kind", "readines"),
            "--kind: no such kind of report 'readines'; did you mean 'readiness'?\n",
        ),
        (
            ("trading", "--kind", "readiness", "--env", "prod"),
            "compose, kind, production, repository\n",
        ),
        (
            ("trading", "--kind", "readiness", "--env", "repository"),
            "environment repository is the code's own, where nothing runs; name another one\n",
        ),
    ],
)
def test_a_report_that_cannot_be_made_is_bad_input(systems, argv, error):
    done = run("report", str(systems / argv[0]), *argv[1:])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(error)


def test_a_system_without_a_checklist_has_nothing_to_be_ready(tmp_path):
    model = "tarmac: 1\nsystem: mini\nservices: {web: {run: [web], port: 80}}\n"
    (tmp_path / "tarmac.yaml").write_text(f"{model}environments: {{only: {{registry: r/mini}}}}\n")
    done = run("report", str(tmp_path), "--kind", "readiness")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "tarmac.yaml: mini has no checklist, and so nothing to be ready; write checklist.yaml "
        "beside it\n"
    )


def test_a_report_goes_to_its_file_and_through_no_link(systems, tmp_path):
    (tmp_path / "linked.md").symlink_to(tmp_path / "elsewhere.md")
    argv = ["report", str(systems / "trading"), "--kind", "readiness", "--output"]
    done = run(*argv, str(tmp_path / "out/ready.md"))
    assert (done.returncode, done.stdout) == (0, f"report: {tmp_path}/out/ready.md\n")
    assert (tmp_path / "out/ready.md").read_text().startswith("# Readiness of trading\n")
    (tmp_path / ".git").mkdir()
    done = run(*argv, str(tmp_path / "linked.md"))
    assert done.returncode == 2
    assert not (tmp_path / "elsewhere.md").exists()


def test_autoscaling_of_trading_is_proven_by_an_attestation(systems, tmp_path):
    """Item 2 asks for nothing that trading does not have, such as a quota."""
    folder = tmp_path / "systems/trading"
    shutil.copytree(systems / "trading", folder, ignore=shutil.ignore_patterns(".tarmac"))
    for name in ("services", "kit"):
        (tmp_path / name).symlink_to(ROOT / name)
    text = (folder / "checklist.yaml").read_text()
    seen = (
        "    attestation:\n      - {what: pods came under load, day: 2026-11-20, by: ann, "
        "evidence: https://example.com/1, until: 2027-01-01, target: cluster}\n"
    )
    command = "    command: kubectl get hpa -n trading\n"
    assert command in text
    (folder / "checklist.yaml").write_text(text.replace(command, command + seen))
    read = inputs.read(folder / "tarmac.yaml", "trading", None, TODAY, ())
    (item,) = (one for one in read.verified.items if one.id == "2")
    assert item.status is Status.PASS
    assert "SCL003" not in str(item.proofs)
    (claim,) = (one for one in claims(KINDS["readiness"].make(read)) if one.text.startswith("2."))
    assert any("attested on 2026-11-20 by ann" in proof for proof in claim.proofs)
