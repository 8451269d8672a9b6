"""A game day: drills of one system one after another, and one form that says what they showed.

Its file is `game-days/NAME.yaml` beside the system's file; used by the verb `game-day`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.foreign import files
from tarmac.drill.drill import Verdict, outcome
from tarmac.drill.file import drill_file
from tarmac.drill.report.journal import expected_of
from tarmac.model.checklist import Words
from tarmac.model.loader import read_as
from tarmac.model.schema import DIALECT
from tarmac.model.system import System
from tarmac.model.value import StrictModel

FOLDER = "game-days"
#: The worst first: a promise that is broken is worse than one of which nothing is known.
WORST = (Verdict.FAIL, Verdict.INVALID, Verdict.PASS)
#: The journal's format.
FORMAT = 1


class GameDay(StrictModel):
    """What stands in a game day's file."""

    game_day: Literal[1] = Field(description="The format's version.")
    title: Words = Field(description="What is rehearsed, as a sentence.")
    drills: tuple[str, ...] = Field(
        min_length=1, description="The system's drills by name, in their order."
    )
    people: dict[str, Words] = Field(
        default={}, description="The part of each person that day, for the form: a role and a name."
    )


def schema() -> dict[str, Any]:
    """Make the JSON Schema of a game day's file, for editors."""
    made = GameDay.model_json_schema(mode="validation")
    return {"$schema": DIALECT, **made, "title": "a game day"}


def known(system: System) -> dict[str, Path]:
    """List the files of a system's game days, by name."""
    found = sorted((Path(system.folder) / FOLDER).glob("*.yaml"))
    return {path.stem: path for path in found}


def load(name: str, system: System) -> tuple[Path, GameDay]:
    """Find and read a game day, by its name or its path. Raises BadInput with every problem."""
    path = known(system).get(name, Path(name))
    if not path.is_file():
        hint = did_you_mean(name, known(system)) if known(system) else f"write {FOLDER}/{name}.yaml"
        raise BadInput([Problem(name, f"no game day of {system.name}, and no file; {hint}")])
    found, document = read_as(GameDay, str(path), files.content(str(path)))
    drills = {drill.stem for drill in drill_file.drills_of(system)}
    problems = [
        Problem(str(document.locate(("drills", number))), f"no drill '{drill}'; {hint}")
        for number, drill in enumerate(found.drills)
        if drill not in drills and (hint := did_you_mean(drill, drills))
    ]
    if problems:
        raise BadInput(problems)
    return path, found


def worst(verdicts: Sequence[str]) -> Verdict:
    """Choose the worst of some verdicts, of which there is one at least."""
    return next(verdict for verdict in WORST if verdict in verdicts)


def as_data(
    system: System,
    path: Path,
    day: GameDay,
    drills: Sequence[dict[str, Any]],
    started: dt.datetime,
) -> dict[str, Any]:
    """Write a game day as data for JSON.

    Args:
        drills: of each its journal, with `explained` and `abort` as sentences.
        started: with a time zone.
    """
    return {
        "journal": FORMAT,
        "verdict": worst([outcome(one["verdict"], expected_of(one)) for one in drills]).value,
        "system": system.name,
        "game_day": path.stem,
        "title": day.title,
        "people": dict(day.people),
        "started": started.isoformat(timespec="seconds"),
        "drills": list(drills),
    }
