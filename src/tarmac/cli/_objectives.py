"""Observes objectives in a cluster, and draws them; used by the verb `objectives`."""

from __future__ import annotations

import contextlib
import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tarmac.cluster.running import RunningSystem
from tarmac.drills.pod_metrics import pod_metrics
from tarmac.drills.running_system import wait_read
from tarmac.errors import TarmacError
from tarmac.model.system import System
from tarmac.model.value import duration
from tarmac.slo.indicator import number
from tarmac.slo.live import LiveAlert, LiveObjective
from tarmac.telemetry import metrics, storage
from tarmac.telemetry import objectives as observing
from tarmac.telemetry.objectives import ObservedObjective

STYLES = {"inactive": "", "pending": "yellow", "firing": "bold red"}


def observe_pods(
    running: RunningSystem, system: System, for_s: float
) -> tuple[list[ObservedObjective], int]:
    """Count requests in services' pods for some seconds; returns when that ended, too.

    What a pod has counted before is left out, unless it has just begun.

    Returns:
        The objectives, and the end in milliseconds since the epoch.

    Raises:
        TarmacError: no pod told anything, or the cluster does not show its pods.
    """
    asked = {objective.service for objective in system.file.objectives}
    services = {one.name for one in running.plan.services if one.metrics is not None} & asked
    running.look()  # what may not be seen is told now, and not awaited
    with pod_metrics(running, services) as telemetry:
        wait_read(telemetry, services)
        with contextlib.closing(storage.reader(telemetry)) as stored:
            if services and not any(metrics.observed_since(stored, one) for one in services):
                what = f"no metrics of {', '.join(sorted(services))} were read"
                raise TarmacError(f"{what} in {running.kubectl.context}; see `tarmac ps`")
            time.sleep(for_s)
            wait_read(telemetry, services)
            now_ms = time.time_ns() // 1_000_000
            return observing.observe(stored, system, now_ms), now_ms


def show(console: Console, objectives: list[ObservedObjective], now_ms: int) -> None:
    """Print a line for each objective, then the alerts that are not quiet."""
    if not objectives:
        console.print("no objectives; add some under `objectives:` in the system's file")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("OBJECTIVE", no_wrap=True)
    table.add_column("TARGET")
    for column in ("GOOD", "REQUESTS", "BAD", "BUDGET LEFT", "BURN"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("SEEN", justify="right", no_wrap=True)
    for observed in objectives:
        live = observed.live
        share = live.good_share
        table.add_row(
            Text(live.name, style="bold red" if live.burns else ""),
            live.sentence,
            "-" if share is None else f"{100 * share:.3f} %",
            f"{live.counts.requests:.0f}",
            f"{live.counts.bad:.0f}",
            Text(f"{100 * live.budget_left:.1f} %", style="red" if live.budget_left <= 0 else ""),
            _burn(live),
            _seen(observed, now_ms),
        )
    console.print(table)
    for observed in objectives:
        for alert in observed.live.alerts:
            if alert.state != "inactive":
                console.print(
                    f"{observed.live.name}: {alert.name} ({alert.severity}) {_state(alert)}",
                    style=STYLES[alert.state],
                    soft_wrap=True,
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
