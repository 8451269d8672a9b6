"""Journals that are read again: what they say, what they are compared by, what is refused."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tarmac.base.errors import BadInput
from tarmac.base.foreign import files
from tarmac.cli.main import tarmac
from tarmac.drill import read_drill
from tarmac.drill.drill import Check, DrillResult, Event, Period, Verdict
from tarmac.drill.report import comparison, journal
from tarmac.model.loader import load
from tarmac.model.system import System

ROOT = Path(__file__).parents[2]
WHOLE = DrillResult(
    checks=(Check("hypothesis", "visits succeed", True, "100 %", "99 %"),),
    events=(Event(5.0, "kill on orders-db"),),
    periods=(Period("during", 5, 7, 20, 19, Counter({"503": 1}), 0.01, 0.2, 0.3),),
    recovered_s=1.5,
    seconds=((10, 0, 0.1), (9, 1, 0.2)),
    seed=7,
)


@pytest.fixture(scope="module")
def shop() -> System:
    return load(str(ROOT / "systems/shop/tarmac.yaml"), files.content)


@pytest.fixture
def written(shop, tmp_path):
    """Write the journal of a run of a drill; return its path."""

    def write(result: DrillResult, name: str = "any-two") -> Path:
        drill = read_drill.read(shop, ROOT / f"systems/shop/drills/{name}.yaml")
        data = journal.as_data(
            shop,
            *(drill.path, drill.text, drill.file, result),
            target="local",
            stores=(),
            started=dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        )
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps(data))
        return path

    return write


def ran(*args: object) -> Result:
    return CliRunner().invoke(tarmac, [str(arg) for arg in args])


def test_a_journal_is_read_as_the_run_that_wrote_it(written):
    assert journal.result_of(comparison.read(written(WHOLE))) == WHOLE


def test_a_journal_is_shown_and_written_in_its_other_forms_without_a_run(written, tmp_path):
    forms = tmp_path / "run.xml", tmp_path / "run.html"
    done = ran("journal", written(WHOLE), "--junit", forms[0], "--report", forms[1])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "PASS")
    assert "visits succeed" in forms[0].read_text()
    assert forms[1].read_text().startswith("<!doctype html>")


def test_two_runs_beside_each_other_show_what_came_out_otherwise(written):
    slow = Period("during", 5, 9, 40, 20, Counter({"503": 20}), 0.01, 0.9, 1.0)
    broken = Check("hypothesis", "visits succeed", False, "50 %", "99 %")
    worse = DrillResult((broken,), WHOLE.events, (slow,), None, WHOLE.seconds, 8)
    pair = written(WHOLE), written(worse)
    done = ran("journal", *pair, "--json")
    listed = json.loads(done.output)["differences"]
    found = {one["what"]: (one["before"], one["after"]) for one in listed}
    assert found == {
        "verdict": ("PASS", "FAIL"),
        "seed": ("7", "8"),
        "recovered": ("after 1.5 s", ""),
        "during the fault: visits": ("20", "40"),
        "during the fault: good": ("95.00 %", "50.00 %"),
        "during the fault: p99": ("200 ms", "900 ms"),
        "visits succeed": ("ok: 100 %", "not: 50 %"),
    }
    done = ran("journal", *pair)
    rows = [line.split() for line in done.output.splitlines()]
    assert ["recovered", "after", "1.5", "s", "-"] in rows


def test_a_drill_is_repeated_with_what_was_drawn(shop, written):
    again = read_drill.of_journal(shop, written(WHOLE))
    assert again.kind.id == "random"
    assert again.file.draw.seed == 7
    assert again.file.draw.faults == 2
    assert again.path.stem == "any-two"


def test_a_drill_without_a_seed_is_repeated_as_it_stood(shop, written):
    result = DrillResult(WHOLE.checks)
    again = read_drill.of_journal(shop, written(result, "broker-outage"))
    assert (again.kind.id, again.file.draw) == ("chaos", None)
    assert result.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read as JSON: Expecting property name"),
        ("[]", "not the journal of one drill; give a file that `drill` wrote"),
        ('{"drills": []}', "not the journal of one drill"),
    ],
)
def test_what_is_no_journal_is_refused_in_words(tmp_path, text, said):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=said):
        comparison.read(path)


def test_a_journal_of_another_format_is_refused(written):
    path = written(WHOLE)
    path.write_text(path.read_text().replace('"journal": 1', '"journal": 9'))
    with pytest.raises(BadInput, match="a journal of the format 9, not 1; run the drill again"):
        comparison.read(path)
