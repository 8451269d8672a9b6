"""Makes the text of a report, and writes it; used by the verb `report`."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path

from tarmac import reports
from tarmac.base import registry, writing
from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.reports import inputs
from tarmac.reports.kind import ReportKind

#: By the form that is asked for.
WRITERS = {"md": "as_markdown", "html": "as_html", "json": "as_json"}


def text(
    kind: str,
    file: Path,
    called: str | None,
    environment: str | None,
    today: date,
    junit: tuple[Path, ...],
    written: str,
) -> str:
    """Make a report's text.

    Raises:
        BadInput: there is no such kind, a file is wrong, or the system has nothing for it.
    """
    known: dict[str, ReportKind] = registry.load(reports, "REPORT")
    if kind not in known:
        what = f"no such kind of report '{kind}'; {did_you_mean(kind, known)}"
        raise BadInput([Problem("--kind", what)])
    found = inputs.read(file, called, environment, today, junit)
    if lack := known[kind].lacks(found):
        raise BadInput([Problem(str(file), f"{found.system.name} {lack}")])
    writer = importlib.import_module(f"tarmac.reports.{WRITERS[written]}")
    made: str = writer.write(known[kind].make(found))
    return made


def write(output: Path, content: str) -> None:
    """Write a report to its file. Raises TarmacError where the disk refuses."""
    try:
        writing.write_file(output, content)
    except OSError as error:
        raise TarmacError(f"{writing.shown(output)}: {error.strerror}") from None
