"""A game day: its file, its verdict, and the form that people fill in."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tarmac.base.errors import BadInput, TarmacError
from tarmac.base.foreign import files
from tarmac.cli.main import tarmac
from tarmac.drill import explain, game_day, session
from tarmac.drill.drill import Check, DrillResult, Event, Verdict
from tarmac.drill.file import drill_file
from tarmac.drill.report import journal as journals
from tarmac.model.loader import load
from tarmac.model.system import System

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "systems/shop/tarmac.yaml"
DAY = """\
game_day: 1
title: The database
drills: [orders-db-kill, broker-outage]
people: {lead: Ada}
"""


@pytest.fixture(scope="module")
def shop() -> System:
    return load(str(SHOP), files.content)


def written(tmp_path: Path, text: str = DAY) -> str:
    path = tmp_path / "day.yaml"
    path.write_text(text)
    return str(path)


def test_every_mistake_is_reported_with_its_place(shop, tmp_path):
    with pytest.raises(BadInput) as found:
        game_day.load(
            written(tmp_path, DAY.replace("[orders-db-kill,", "[orders-db-kil, x,")), shop
        )
    said = [f"{p.where.rpartition('day.yaml:')[2]}: {p.what}" for p in found.value.problems]
    assert said[0] == "3:10: no drill 'orders-db-kil'; did you mean 'orders-db-kill'?"
    assert said[1].startswith("3:25: no drill 'x'; ")
    with pytest.raises(BadInput, match="no game day of shop, and no file; did you mean 'data'"):
        game_day.load("dat", shop)
    with pytest.raises(BadInput, match="drills is a list"):
        game_day.load(written(tmp_path, "game_day: 1\ntitle: x\ndrills: []\n"), shop)


@pytest.mark.parametrize("path", sorted(ROOT.glob("systems/*/game-days/*.yaml")), ids=str)
def test_every_game_day_that_is_shipped_can_be_run(path):
    system = load(str(path.parents[1] / "tarmac.yaml"), files.content)
    _, day = game_day.load(path.stem, system)
    for drill in day.drills:
        assert drill_file.find(system, drill).is_file()


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        (("PASS", "PASS"), Verdict.PASS),
        (("PASS", "INVALID", "PASS"), Verdict.INVALID),
        (("INVALID", "FAIL", "PASS"), Verdict.FAIL),
    ],
)
def test_a_day_is_as_good_as_its_worst_drill(verdicts, worst):
    assert game_day.worst(verdicts) is worst


#: What each drill of the day results in.
RESULTS = {
    "orders-db-kill": DrillResult(
        (Check("hypothesis", "visits succeed", False, "12 % | of 9", "75 %"),),
        (Event(1.0, "kill on orders-db"),),
        recovered_s=2.5,
    ),
    "broker-outage": DrillResult((Check("hypothesis", "visits succeed", True, "all", "99 %"),)),
}


@pytest.fixture
def rehearsed(monkeypatch, tmp_path):
    """Run the verb on drills that have these results, or cannot begin."""

    def rehearse(refused: str = "") -> tuple[int, dict, str]:
        def carry_out(system, file, drill, say):
            if drill.path.stem == refused:
                raise TarmacError("the journey could not begin: nothing to sell")
            result, now = RESULTS[drill.path.stem], dt.datetime.now(dt.UTC)
            about = (drill.path, drill.text, drill.file)
            return result, journals.as_data(
                system, *about, result, target="local", stores=(), started=now
            )

        monkeypatch.setattr(session, "carry_out", carry_out)
        form, journal = tmp_path / "form.md", tmp_path / "journal.json"
        args = [str(SHOP), written(tmp_path), "--form", str(form), "--journal", str(journal)]
        done = CliRunner().invoke(tarmac, ["game-day", *args])
        assert not isinstance(done.exception, Exception), done.output
        return done.exit_code, json.loads(journal.read_text()), form.read_text()

    return rehearse


def test_all_drills_run_though_one_fails_and_the_form_says_what_came(rehearsed):
    code, journal, form = rehearsed()
    assert (code, journal["verdict"]) == (1, "FAIL")
    assert [drill["verdict"] for drill in journal["drills"]] == ["FAIL", "PASS"]
    lines = form.splitlines()
    assert lines[0] == "# The database"
    assert "- lead: Ada" in lines
    # For each: what was expected, when it would have stopped, and what came.
    assert "- At least 75 % of the visits must succeed." in lines
    assert "**Abort rule:** none: the drill runs to its end, then undoes every fault." in lines
    assert "**Result: FAIL**" in lines
    assert "**Result: PASS**" in lines
    assert "- 1.0 s: kill on orders-db" in lines
    assert "| What | Owner | Due |" in lines
    # A cell cannot be broken by what a service answered.
    (row,) = (line for line in lines if line.startswith("| **does not hold**"))
    assert row.count("|") == 6
    assert "12 % &#124; of 9" in row


def test_a_drill_that_cannot_begin_shows_nothing_and_the_day_goes_on(rehearsed):
    code, journal, form = rehearsed("broker-outage")
    assert (code, len(journal["drills"])) == (1, 2)
    assert journal["drills"][1]["verdict"] == "INVALID"
    assert "the drill can begin: the journey could not begin: nothing to sell" in form


def test_an_abort_rule_is_reported(shop):
    file = drill_file.load(drill_file.find(shop, "broker-outage"), shop)
    rule = drill_file.Abort(failed=50)
    assert explain.abort(file.model_copy(update={"abort": rule})) == (
        "at once when 50 % of the visits fail over 5s."
    )


def test_days_are_listed_and_explained_without_being_run():
    done = CliRunner().invoke(tarmac, ["game-day", str(SHOP), "--list"])
    assert done.output.startswith("data ")
    done = CliRunner().invoke(tarmac, ["game-day", str(SHOP), "data", "--explain"])
    assert "The orders' database is killed while customers order." in done.output
