"""Says what became of a render, to a person and to another program."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tarmac.render.in_memory import RenderedTree
from tarmac.render.renderer import PHASES
from tarmac.render.tree.decision import DesiredFile
from tarmac.render.tree.folder import RenderOutcome

#: Files of one list that are printed; --json has them all.
SHOWN = 20


@dataclass(frozen=True)
class RenderReport:
    """The report of a render."""

    made: RenderedTree
    outcome: RenderOutcome
    #: The folder, as its reader would type it.
    folder: Path
    checked: bool


def as_data(shown: RenderReport) -> dict[str, Any]:
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
        "patched": {file.path: file.patch for file in _patched(shown)},
        "notes": list(outcome.notes),
    }


def _phases(shown: RenderReport) -> dict[str, int]:
    of = {name: renderer.phase for name, renderer in shown.made.renderers.items()}
    counts = Counter(of[file.by] for file in shown.outcome.wanted.values())
    return {phase: counts[phase] for phase in PHASES if counts[phase]}


def _patched(shown: RenderReport) -> list[DesiredFile]:
    return [file for _, file in sorted(shown.outcome.wanted.items()) if file.patch]


def show(shown: RenderReport) -> None:
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
    gone = "  (no longer rendered)"
    _list("edited", [f"{p}{gone * (p in made.orphaned)}" for p in made.edited], most=None)
    _list("in the way", [f"{path}  (not rendered)" for path in made.in_the_way], most=None)
    ejected = [
        f"{path}{'  (its rendered text has changed since)' * (path in made.outdated)}"
        for path in made.ejected
    ]
    _list("yours", ejected, most=None)
    _list("patched", [f"{file.path}  ({file.patch})" for file in _patched(shown)], most=None)
    for note in outcome.notes:
        click.echo(f"  note: {note}")
    click.echo(_verdict(shown))


def _list(sign: str, names: list[str], most: int | None = SHOWN) -> None:
    for name in names[:most]:
        click.echo(f"  {sign} {name}")
    if most is not None and len(names) > most:
        click.echo(f"  {sign} ... {len(names) - most} more; --json has them all")


def _verdict(shown: RenderReport) -> str:
    made = shown.outcome.decision
    counts = f"{len(made.added)} added, {len(made.changed)} changed, {len(made.removed)} removed"
    if shown.checked:
        if not shown.outcome.differs:
            return "up to date"
        edits = f", {len(made.refused)} edited or in the way" if made.refused else ""
        lock = " (and tarmac.lock)" if shown.outcome.lock_differs else ""
        return f"differs from what would be rendered: {counts}{edits}{lock}"
    if made.refused:
        return _refusal(shown)
    return f"{counts}, {len(made.unchanged)} unchanged"


def _refusal(shown: RenderReport) -> str:
    made, source = shown.outcome.decision, shown.made.source
    first, count = made.refused[0], len(made.refused)
    rest = f" and {count - 1} more" if count > 1 else ""
    command = source.command
    usual = source.folder / "deploy" / source.environment
    if not source.among_others and shown.folder.absolute() != usual:
        command += f" --out {shlex.quote(str(shown.folder))}"
    choices = {
        "--patch": "keep the edit: as a patch beside the model, for every later render",
        "--eject": "own the file: later renders skip it",
        "--discard": "drop the edit and restore the rendered file",
    }
    if first in made.orphaned:
        del choices["--patch"]
    lines = [f"  {command} {option} {first}\n      {about}" for option, about in choices.items()]
    return "\n".join(
        [f"nothing is written: {first}{rest} would be lost. For each, or for a folder:", *lines]
    )
