"""What a kind of report declares. A leaf but for what it is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tarmac.reports.document import Document
from tarmac.reports.inputs import ReportInputs


@dataclass(frozen=True)
class ReportKind:
    """A kind of report."""

    #: As `--kind` names it.
    id: str
    #: What it answers, for the list of kinds.
    about: str
    make: Callable[[ReportInputs], Document]
    #: Says what a system lacks for such a report, and what to do; empty: nothing.
    lacks: Callable[[ReportInputs], str]
