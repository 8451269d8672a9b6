"""Every drill and every game day that is shipped, run as its reader would: `tarmac drill`.

Each has the verdict that its file expects. What it has shown is kept as evidence beside its system,
under `.tarmac/evidence`, where `tarmac verify` reads it for the items of checklists. They take half
an hour, one after another; a machine that is busy otherwise fails those that measure speed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tarmac.base import evidence
from tarmac.drill.file.drill_file import faults
from tarmac.drill.needs import possible_on
from tarmac.run.local.supervisor.local_target import LocalTarget

ROOT = Path(__file__).parents[2]
TARMAC = str(Path(sys.executable).with_name("tarmac"))
#: Ten minutes of load, of which more than the verdict is asked.
LONG = ROOT / "systems/shop/drills/availability.yaml"


def is_for_here(path: Path) -> bool:
    """Tell whether this machine can do to a system what a drill does: it has no nodes to drain."""
    steps = yaml.safe_load(path.read_text()).get("method") or ()
    return all(LocalTarget.kind in possible_on(faults()[step["fault"]].needs) for step in steps)


DRILLS = sorted({*filter(is_for_here, ROOT.glob("systems/*/drills/*.yaml"))} - {LONG})
GAME_DAYS = sorted(ROOT.glob("systems/*/game-days/*.yaml"))
#: The longest drill but that one takes five minutes on two cores.
DRILL_S, LONG_S, DAY_S = 600, 1200, 1800


def named(path: Path) -> str:
    return f"{path.parents[1].name}/{path.stem}"


def shown(verb: str, path: Path, journal: Path, within_s: float) -> tuple[int, dict[str, Any]]:
    """Run a drill or a game day by its name; returns the exit code and the journal."""
    args = [verb, path.parents[1].name, path.stem, "--json", "--journal", str(journal)]
    done = subprocess.run(
        [TARMAC, *args], cwd=ROOT, capture_output=True, text=True, timeout=within_s, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def figures(journal: dict[str, Any]) -> str:
    """Say what of a drill decides, for the message of a test that fails."""
    broken = [
        f"{check['what']}: {check['measured']} (asked: {check['limit'] or 'it'})"
        for check in journal["checks"]
        if not check["holds"]
    ]
    return f"{journal['drill']} is {journal['verdict']}: {'; '.join(broken)}"


@pytest.mark.timeout(DRILL_S)
@pytest.mark.parametrize("path", DRILLS, ids=named)
def test_a_drill_has_the_verdict_that_its_file_expects_and_is_kept_as_evidence(path, tmp_path):
    proven(path, tmp_path, DRILL_S)


@pytest.mark.timeout(LONG_S)
def test_the_shop_is_available_over_ten_minutes_in_which_its_services_are_replaced(tmp_path):
    journal = proven(LONG, tmp_path, LONG_S)
    assert len(journal["seconds"]) >= 600
    assert sum(period["visits"] for period in journal["periods"]) >= 12_000
    (said,) = (c for c in journal["checks"] if c["what"].startswith("api_availability"))
    assert said["holds"], said
    print(said, journal["periods"])


def proven(path: Path, tmp_path: Path, within_s: float) -> dict[str, Any]:
    """Run a drill, and hold what is kept of it against its journal, which it returns."""
    code, journal = shown("drill", path, tmp_path / "journal.json", within_s - 20)
    expected = yaml.safe_load(path.read_text()).get("expect", "PASS")
    stored = evidence.read(path.parents[1] / ".tarmac" / evidence.FOLDER).values()
    (kept,) = (one for one in stored if one.what == f"drill:{path.stem}")
    assert kept.at == journal["started"]
    assert kept.samples["verdict"] == journal["verdict"]
    assert len(kept.samples["periods"]) == len(journal["periods"])
    assert (journal["verdict"], code) == (expected, 0), figures(journal)
    return journal


@pytest.mark.timeout(DAY_S)
@pytest.mark.parametrize("path", GAME_DAYS, ids=named)
def test_each_drill_of_a_game_day_has_the_verdict_that_its_file_expects(path, tmp_path):
    code, day = shown("game-day", path, tmp_path / "journal.json", DAY_S - 20)
    wanted = yaml.safe_load(path.read_text())["drills"]
    assert [drill["drill"] for drill in day["drills"]] == wanted
    wrong = [figures(one) for one in day["drills"] if one["verdict"] != one["expected"]]
    assert (wrong, code, day["verdict"]) == ([], 0, "PASS")
