"""Tables of `tarmac runs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rich.table import Table

from tarmac.base import figures
from tarmac.base.written import duration
from tarmac.run.telemetry.runs import Run, RunRequests, ServiceComparison

FIGURES: tuple[tuple[str, Callable[[RunRequests], str]], ...] = (
    ("PER S", lambda made: figures.number(made.per_s, 1)),
    ("FAILED", lambda made: figures.percent(made.failed_share or 0, 2)),
    ("P50", lambda made: _duration(made.p50_s)),
    ("P95", lambda made: _duration(made.p95_s)),
    ("P99", lambda made: _duration(made.p99_s)),
)


def listing(known: Iterable[tuple[Run, Mapping[str, RunRequests]]]) -> Table:
    """Show each run with its length and its requests."""
    shown = _table("RUN", "TOOK", "REQUESTS", "SERVICES", left=1)
    for run, services in known:
        took_s = (run.until_ms - run.began_ms) / 1000
        many = sum(made.requests for made in services.values())
        shown.add_row(run.name, duration(round(took_s)), figures.number(many), str(len(services)))
    return shown


def comparison(before: Run, after: Run, compared: Iterable[ServiceComparison]) -> Table:
    """Show both runs' figures of each service."""
    shown = _table("SERVICE", "RUN", *(title for title, _ in FIGURES), left=2)
    for one in compared:
        for run, made in ((before, one.before), (after, one.after)):
            figures = [write(made) if made else "-" for _, write in FIGURES]
            shown.add_row(one.service if run is before else "", run.name, *figures)
    return shown


def _table(*titles: str, left: int) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for number, title in enumerate(titles):
        shown.add_column(title, justify="left" if number < left else "right", no_wrap=True)
    return shown


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else figures.milliseconds(seconds)
