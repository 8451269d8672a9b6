"""Says what became of a render, to a person and to another program."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tarmac.cli._rendering import Made
from tarmac.render._renderer import PHASES
from tarmac.tree.decision import Wanted
from tarmac.tree.folder import Outcome

#: Files of one list that are printed; --json has them all.
SHOWN = 20


@dataclass(frozen=True)
class Shown:
    """What is said of a render."""

    made: Made
    outcome: Outcome
    #: The folder, as its reader would type it.
    folder: Path
    checked: bool


def as_data(shown: Shown) -> dict[str, Any]:
    """Write what became of a render as plain data, for --json."""
    outcome, source = shown.outcome, shown.made.source
    decision = outcome.decision
    return {
        "system": source.system,
        "environment": source.environment,
        "folder": str(shown.folder),
        "written": outcome.written,
        "differs": shown.checked and outcome.differs,
        "files": len(outcome.wanted),
        "phases": _phases(shown),
        "added": decision.added,
        "changed": decision.changed,
        "removed": decision.removed,
        "unchanged": len(decision.unchanged),
        "edited": decision.edited,
        "in_the_way": decision.in_the_way,
        "ejected": decision.ejected,
        "outdated": decision.outdated,
        "patched": {each.path: each.patch for each in _patched(shown)},
        "notes": list(outcome.notes),
    }


def _phases(shown: Shown) -> dict[str, int]:
    of = {name: each.phase for name, each in shown.made.renderers.items()}
    counts = Counter(of[each.by] for each in shown.outcome.wanted.values())
    return {phase: counts[phase] for phase in PHASES if counts[phase]}


def _patched(shown: Shown) -> list[Wanted]:
    return [each for _, each in sorted(shown.outcome.wanted.items()) if each.patch]


def show(shown: Shown) -> None:
    """Print what became of a render."""
    outcome, source, made = shown.outcome, shown.made.source, shown.outcome.decision
    phases = ", ".join(f"{phase} {count}" for phase, count in _phases(shown).items())
    click.echo(
        f"{source.system} for {source.environment}, {len(outcome.wanted)} files "
        f"({phases or 'none'}): {shown.folder}"
    )
    if not made.refused or shown.checked:
        _list("+", made.added)
        _list("~", made.changed)
        _list("-", made.removed)
    gone = "  (and not rendered any more)"
    _list("edited", [f"{p}{gone * (p in made.left_over)}" for p in made.edited], most=None)
    _list("in the way", [f"{path}  (nobody rendered it)" for path in made.in_the_way], most=None)
    ejected = [
        f"{path}{'  (its rendered text has changed since)' * (path in made.outdated)}"
        for path in made.ejected
    ]
    _list("yours", ejected, most=None)
    _list("patched", [f"{each.path}  ({each.patch})" for each in _patched(shown)], most=None)
    for note in outcome.notes:
        click.echo(f"  note: {note}")
    click.echo(_verdict(shown))


def _list(sign: str, names: list[str], most: int | None = SHOWN) -> None:
    for name in names[:most]:
        click.echo(f"  {sign} {name}")
    if most is not None and len(names) > most:
        click.echo(f"  {sign} ... {len(names) - most} more; --json has them all")


def _verdict(shown: Shown) -> str:
    made = shown.outcome.decision
    counts = f"{len(made.added)} added, {len(made.changed)} changed, {len(made.removed)} removed"
    if shown.checked:
        if not shown.outcome.differs:
            return "it is what would be rendered"
        edits = f", {len(made.refused)} edited or in the way" if made.refused else ""
        lock = " (and tarmac.lock)" if shown.outcome.lock_differs else ""
        return f"it is not what would be rendered: {counts}{edits}{lock}"
    if made.refused:
        return _refusal(shown)
    return f"{counts}, {len(made.unchanged)} as they were"


def _refusal(shown: Shown) -> str:
    made, source = shown.outcome.decision, shown.made.source
    first, count = made.refused[0], len(made.refused)
    rest = f" and {count - 1} more" if count > 1 else ""
    command = source.command
    usual = source.folder / "deploy" / source.environment
    if not source.among_others and shown.folder.absolute() != usual:
        command += f" --out {shlex.quote(str(shown.folder))}"
    ways = {
        "--patch": "keep the edit: as a patch beside the model, for every later render",
        "--eject": "make the file yours: it is never rendered again",
        "--discard": "lose the edit: back to what is rendered",
    }
    if first in made.left_over:
        del ways["--patch"]
    lines = [f"  {command} {way} {first}\n      {about}" for way, about in ways.items()]
    return "\n".join(
        [f"nothing is written: {first}{rest} would be lost. For each, or for a folder:", *lines]
    )
