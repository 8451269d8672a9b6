"""Says what `tarmac init` found and wrote, to a person and to another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarmac.adopt.survey.found import Survey
    from tarmac.adopt.writing.explain import ExplainedLine
    from tarmac.run.trial import Trial

#: Skipped files that are printed; --json has them all.
SHOWN = 20
#: Names of services and stores take so many characters at least.
NARROWEST = 18
#: What is left out can be what others refer to, and so on.
MOST_REPAIRS = 8


class CheckedSurvey(NamedTuple):
    """What is to be written, as far as `up` takes it."""

    found: Survey
    text: str
    #: What is wrong all the same.
    complaints: tuple[str, ...]
    #: What this machine has not, or has in use.
    lacks: tuple[str, ...]


def _missing(found: Survey) -> list[tuple[str, str]]:
    return [
        (s.name, f"{name} ({where})") for s in found.services for name, where in s.missing.items()
    ]


def as_data(
    found: Survey,
    file: str,
    complaints: tuple[str, ...],
    skipped: tuple[str, ...],
    lacks: tuple[str, ...],
    trial: Trial | None = None,
) -> dict[str, object]:
    """Write what was found as plain data, for --json."""
    tried = {} if trial is None else {"tried": _tried(trial)}
    return {
        "file": file,
        "origins": list(found.origins),
        "services": {s.name: s.run for s in found.services},
        "stores": {store.name: store.kind for store in found.stores},
        "guesses": [f"{s.name}: {guess}" for s in found.services for guess in s.guesses],
        "to_do": [f"{s.name}: {task}" for s in found.services for task in s.to_do],
        "missing": [f"{service}: {name}" for service, name in _missing(found)],
        "secrets": sorted({name for s in found.services for name in s.secrets}),
        "left_out": list(found.left_out),
        "skipped": list(skipped),
        "lacks": list(lacks),
        "problems": list(complaints),
        **tried,
    }


def _tried(trial: Trial) -> dict[str, object]:
    notes = [f"{service}: {note}" for service, note in trial.notes]
    return {"is_healthy": trial.is_healthy, "healthy": list(trial.healthy), "notes": notes}


def _more(skipped: tuple[str, ...]) -> list[str]:
    return [f"... {len(skipped) - SHOWN} more; --json has them all"] if skipped[SHOWN:] else []


def show(
    found: Survey,
    file: str,
    complaints: tuple[str, ...],
    skipped: tuple[str, ...],
    lacks: tuple[str, ...],
    trial: Trial | None = None,
) -> None:
    """Say what was found, what was assumed, what is still to do, and what comes next."""
    if not found.services:
        click.echo(f"{file} written: no service was recognised; write the command of yours there")
    else:
        click.echo(f"{file} written, from {', '.join(found.origins[:6])}")
    stores = [*found.stores, *([found.broker] if found.broker else [])]
    names = [*(one.name for one in found.services), *(store.name for store in stores)]
    width = max(NARROWEST, *map(len, names)) if names else NARROWEST
    for service in found.services:
        where = f" in {service.folder}" if service.folder else ""
        ports = ", ".join(map(str, service.ports.values()))
        click.echo(f"  {service.name:<{width}} {service.run}{where}{f' :{ports}' if ports else ''}")
    for store in stores:
        click.echo(f"  {store.name:<{width}} {store.kind} {store.version}".rstrip())
    for title, lines in (
        ("assumed", [f"{s.name}: {guess}" for s in found.services for guess in s.guesses]),
        ("to do", [f"{s.name}: {task}" for s in found.services for task in s.to_do]),
        ("missing", [f"{service}: {name}" for service, name in _missing(found)]),
        ("generated unless .env has them", sorted({n for s in found.services for n in s.secrets})),
        ("not carried over", list(found.left_out)),
        ("not on this machine", list(lacks)),
        ("skipped", [*skipped[:SHOWN], *_more(skipped)]),
        ("errors to correct by hand", list(complaints)),
        ("learned from a trial run", [f"{s}: {note}" for s, note in trial.notes] if trial else []),
    ):
        if lines:
            click.echo(f"{title}:")
        for line in lines:
            click.echo(f"  {line}")
    if trial is not None:
        healthy = f"healthy: {', '.join(trial.healthy) or 'nothing'}"
        click.echo(f"tried, and stopped again; {'all is ' * trial.is_healthy}{healthy}")
    where = "" if Path(file).parent == Path() else f" {Path(file).parent}"
    click.echo(f"next: review {file}, then `tarmac up{where}`")


def show_sources(lines: Sequence[ExplainedLine], file: str, *, err: bool = False) -> None:
    """List source line -> result line."""
    width = max((len(line.source) for line in lines), default=0)
    for line in lines:
        click.echo(f"{line.source:<{width}} -> {file}:{line.number}: {line.text}", err=err)


def checked(found: Survey, file: Path, system: str) -> CheckedSurvey:
    """Write what was found, without the parts that `up` would refuse of it, and say why.

    Nothing is written to disk and nothing is started.
    """
    from tarmac.adopt.writing.repair import repaired
    from tarmac.adopt.writing.write import write
    from tarmac.run.local.supervisor.dry_run import dry_run

    for _ in range(MOST_REPAIRS):
        text = write(found, system)
        refusal = dry_run(str(file), text)
        smaller = repaired(found, text, refusal.problems)
        if smaller == found:
            break
        found = smaller
    return CheckedSurvey(found, text, tuple(map(str, refusal.problems)), refusal.lacks)
