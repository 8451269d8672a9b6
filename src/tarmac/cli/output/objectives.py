"""Draws objectives; used by the verb `objectives`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tarmac.base import figures
from tarmac.base.written import duration
from tarmac.cli.output import printing
from tarmac.plan.slo.indicator import number
from tarmac.plan.slo.live import LiveAlert, LiveObjective
from tarmac.run.telemetry.objectives import ObservedObjective

STYLES = {"inactive": "", "pending": "yellow", "firing": "bold red"}


def show(console: Console, objectives: list[ObservedObjective], now_ms: int) -> None:
    """Print a line for each objective, then the alerts that are not quiet."""
    if not objectives:
        console.print("no objectives; add some under `objectives:` in the system's file")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("OBJECTIVE", no_wrap=True)
    table.add_column("TARGET", min_width=20)
    for column in ("GOOD", "REQUESTS", "BAD", "BUDGET LEFT", "BURN"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("SEEN", justify="right", no_wrap=True)
    for observed in objectives:
        live = observed.live
        share, left = live.good_share, live.budget_left
        table.add_row(
            Text(live.name, style="bold red" if live.burns else ""),
            live.sentence,
            "-" if share is None else figures.percent(share, 3),
            figures.number(live.counts.requests),
            figures.number(live.counts.bad),
            Text(figures.percent(left, 1), style="red" if left <= 0 else ""),
            _burn(live),
            _seen(observed, now_ms),
        )
    printing.print_table(console, table, ("SEEN", "REQUESTS", "BAD"))
    for observed in objectives:
        for alert in observed.live.alerts:
            if alert.too_few:
                printing.say(
                    console,
                    f"{observed.live.name}: {alert.name} ({alert.severity}) cannot fire: "
                    f"its {duration(max(alert.burns))} have too few requests",
                    "dim",
                )
            elif alert.state != "inactive":
                printing.say(
                    console,
                    f"{observed.live.name}: {alert.name} ({alert.severity}) {_state(alert)}",
                    STYLES[alert.state],
                )


def _burn(live: LiveObjective) -> str:
    """Write the burn rate of the shortest window: how fast it goes now."""
    windows = [window for alert in live.alerts for window in alert.burns.items()]
    if not windows:
        return "-"
    window_s, burn = min(windows)
    return f"{number(round(burn, 1))} in {duration(window_s)}"


def _seen(observed: ObservedObjective, now_ms: int) -> str:
    """Write how much of the objective's window was observed."""
    if observed.since_ms is None:
        return "nothing yet"
    seen_s = min(observed.live.window_s, (now_ms - observed.since_ms) / 1000)
    return f"{duration(max(1, round(seen_s)))} of {duration(observed.live.window_s)}"


def _state(alert: LiveAlert) -> str:
    burns = ", ".join(f"{number(round(b, 1))} in {duration(w)}" for w, b in alert.burns.items())
    verb = "fires" if alert.state == "firing" else "is pending"
    return f"{verb}: burns {burns}; the limit is {number(round(alert.factor, 2))}"
