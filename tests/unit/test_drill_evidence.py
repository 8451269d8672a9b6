"""A drill is evidence: its verdict, against the one that its file expects, decides an item."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from click.testing import CliRunner

from tarmac.base import evidence
from tarmac.cli.main import tarmac
from tarmac.drill import game_day, session
from tarmac.drill.drill import Check, DrillResult, Period, Verdict, outcome, sentence
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.report import html, junit
from tarmac.drill.report import journal as journals

ROOT = Path(__file__).parents[2]
CHECKLIST = """\
checklist: 1
items:
  - id: ORD-1
    phase: recovery
    title: Orders survive the broker
    proofs:
      - {drill: broker-outage, level: observed}
"""
HOLDS = Check("hypothesis", "visits succeed", True, "100 % of 60", "99 %")
BROKEN = Check("hypothesis", "visits succeed", False, "12 % of 60", "99 %")
UNPROVEN = Check("fault", "outage on broker was there", False, "it ran")
PERIOD = Period("during", 5, 10, 60, 59, Counter(), 0.1, 0.2, 0.3)


@pytest.fixture
def hello(tmp_path):
    """A copy of a system whose drill `cache-outage` a checklist names."""
    folder = tmp_path / "systems/hello-dd"
    shutil.copytree(
        ROOT / "systems/hello-dd", folder, ignore=shutil.ignore_patterns(".tarmac", "proofs.yaml")
    )
    for name in ("services", "kit"):
        (tmp_path / name).symlink_to(ROOT / name)
    (folder / "checklist.yaml").write_text(CHECKLIST.replace("broker-outage", "cache-outage"))
    return folder / "tarmac.yaml"


@pytest.fixture
def drilled(hello, monkeypatch):
    """Run the verb on a drill that has this result; returns its exit code and what it printed."""

    def drill(*checks: Check, name: str = "cache-outage") -> tuple[int, str]:
        def carry_out(system, file, drill, say, place, urls):
            result, now = DrillResult(checks, periods=(PERIOD,)), dt.datetime.now(dt.UTC)
            about = (system, drill.path, drill.text, drill.file)
            return result, journals.as_data(*about, result, target="local", stores=(), started=now)

        monkeypatch.setattr(session, "carry_out", carry_out)
        done = CliRunner().invoke(tarmac, ["drill", str(hello), name])
        assert not isinstance(done.exception, Exception), done.output
        return done.exit_code, done.output

    return drill


def item(hello: Path) -> dict[str, object]:
    """Return the one item of the checklist, as `tarmac verify` judges it."""
    done = CliRunner().invoke(tarmac, ["verify", str(hello), "--env", "kind", "--json"])
    assert not isinstance(done.exception, Exception), done.output
    (found,) = json.loads(done.stdout)["items"]
    return found


def expecting(hello: Path, verdict: str) -> None:
    path = hello.parent / "drills/cache-outage.yaml"
    path.write_text(f"{path.read_text()}expect: {verdict}\n")


def test_a_drill_that_passed_shows_its_item_with_its_figures(drilled, hello):
    assert item(hello)["status"] == "skipped"
    assert drilled(HOLDS)[0] == 0
    found = item(hello)
    assert (found["status"], found["reached"]) == ("pass", "observed@local")
    stored = evidence.read(hello.parent / ".tarmac/evidence").values()
    (kept,) = (one for one in stored if one.what == "drill:cache-outage")
    assert (kept.samples["verdict"], kept.samples["expected"]) == ("PASS", "PASS")
    (period,) = kept.samples["periods"]
    assert (period["visits"], period["good"], period["p99_s"]) == (60, 59, 0.2)
    assert kept.samples["rules"] == [
        {"what": "visits succeed", "holds": True, "measured": "100 % of 60", "limit": "99 %"}
    ]


@pytest.mark.parametrize(
    ("check", "code", "status"), [(BROKEN, 1, "fail"), (UNPROVEN, 4, "skipped")]
)
def test_a_drill_that_did_not_pass_shows_no_item(drilled, hello, check, code, status):
    assert drilled(check)[0] == code
    assert item(hello)["status"] == status


def test_a_drill_of_another_file_than_the_one_that_ran_is_stale(drilled, hello):
    drilled(HOLDS)
    expecting(hello, "PASS")
    assert item(hello)["status"] == "stale"


def test_a_known_limit_is_evidence_where_its_file_expects_it(drilled, hello):
    expecting(hello, "FAIL")
    code, output = drilled(BROKEN)
    assert (code, output.splitlines()[-2]) == (0, "FAIL, as expected")
    assert item(hello)["status"] == "pass"
    code, output = drilled(HOLDS)
    assert (code, output.splitlines()[-2]) == (1, "PASS, though FAIL is expected")
    assert item(hello)["status"] == "fail"


@pytest.mark.parametrize(
    ("verdict", "expected", "judged"),
    [
        ("PASS", "PASS", Verdict.PASS),
        ("FAIL", "PASS", Verdict.FAIL),
        ("FAIL", "FAIL", Verdict.PASS),
        ("PASS", "FAIL", Verdict.FAIL),
        ("INVALID", "PASS", Verdict.INVALID),
        ("INVALID", "FAIL", Verdict.INVALID),
    ],
)
def test_a_verdict_is_judged_by_the_expected_one(verdict, expected, judged):
    assert outcome(verdict, expected) is judged


def written(*checks: Check, expected: str) -> dict[str, object]:
    """Write the journal of a drill, as far as its other forms need it."""
    return {
        "system": "shop",
        "drill": "a-kill",
        "title": "A kill",
        "started": "2026-11-22T10:00:00+00:00",
        "expected": expected,
        **journals.of_result(DrillResult(checks)),
        "stores": [],
        "gaps": [],
        "machine": {"cpus": 2, "system": "Linux"},
        "versions": {"tarmac": "1"},
    }


def test_ci_fails_with_the_verdict_that_is_not_the_expected_one():
    def failures(*checks: Check) -> tuple[str | None, str | None]:
        suite = fromstring(junit.as_xml(written(*checks, expected="FAIL")).encode())
        return suite.get("failures"), suite.get("errors")

    assert failures(BROKEN) == ("0", "0")
    assert failures(HOLDS) == ("1", "0")
    assert failures(UNPROVEN) == ("0", "1")


def test_the_page_says_that_a_verdict_is_expected():
    page = html.as_html(written(BROKEN, expected="FAIL"))
    assert sentence("FAIL", "FAIL") == "FAIL, as expected"
    assert "FAIL, as expected" in page


def test_a_game_day_passes_with_a_drill_that_fails_as_expected(hello):
    drills = [written(HOLDS, expected="PASS"), written(BROKEN, expected="FAIL")]
    day = game_day.GameDay(game_day=1, title="A day", drills=("a", "b"))
    system = type("S", (), {"name": "shop"})()
    whole = game_day.as_data(system, Path("day.yaml"), day, drills, dt.datetime.now(dt.UTC))
    assert whole["verdict"] == "PASS"
    assert [one["verdict"] for one in whole["drills"]] == ["PASS", "FAIL"]


def test_no_drill_may_expect_to_show_nothing():
    with pytest.raises(ValueError, match="expect"):
        DrillFile.model_validate(
            {
                "drill": 1,
                "title": "x",
                "load": {"journey": "order", "rate": 1.0},
                "expect": "INVALID",
            }
        )


def test_a_journal_of_an_older_version_expects_a_pass():
    assert journals.expected_of({"verdict": "FAIL"}) == "PASS"
