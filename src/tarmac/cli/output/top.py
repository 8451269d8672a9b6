"""Draws what services and stores do; used by the verb `top`."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tarmac.base import figures
from tarmac.cli.output import printing
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import activity
from tarmac.run.local.supervisor.activity import Activity, Observation

#: A service that fails this share of its requests is shown in red.
FAILING = 0.01


def show(console: Console, home: Home, before: Observation | None, every_s: float) -> None:
    """Draw it again and again, until `q` or until the system is stopped."""
    last = Text("\nq quits; `tarmac ui` has logs and keys as well", "dim")
    with Live(console=console, auto_refresh=False, screen=True) as live, _keys() as is_over:
        while True:
            now = activity.observe(home)
            if before is None or now is None or not now.status.running:
                break
            drawn = table(activity.activities(before, now))
            printing.fit(console, drawn, ("RESTARTS",))
            live.update(Group(drawn, last), refresh=True)
            before = now
            if is_over(every_s):
                return
    console.print("the system has stopped", style="dim")


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Read single keys without showing them; give what waits for `q`, for so many seconds."""
    if not sys.stdin.isatty():
        yield _no_key
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)

    def is_over(within_s: float) -> bool:
        end = time.monotonic() + within_s
        while (left_s := end - time.monotonic()) > 0:
            if select.select([keyboard], [], [], left_s)[0]:
                typed = os.read(keyboard, 64)
                if not typed or b"q" in typed:
                    return True
        return False

    try:
        tty.setcbreak(keyboard, termios.TCSANOW)  # Ctrl-C stays a signal
        yield is_over
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _no_key(within_s: float) -> bool:
    time.sleep(within_s)
    return False


def table(found: list[Activity]) -> Table:
    """Draw one line for each service and store."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("NAME", "STATE"):
        drawn.add_column(column, no_wrap=True)
    for column in ("CPU", "MEMORY", "RESTARTS", "REQUESTS/S", "FAILED/S", "P95"):
        drawn.add_column(column, justify="right", no_wrap=True)
    for one in found:
        rates = one.rates
        failing = (rates.failed_per_s or 0) > FAILING * (rates.requests_per_s or 0)
        drawn.add_row(
            f"{one.name} ({len(one.nodes)})" if len(one.nodes) > 1 else one.name,
            _states(one),
            _written(one.cpu_share, figures.percent),
            _written(one.memory_bytes, figures.size),
            str(sum(node.restarts for node in one.nodes) or ""),
            _written(rates.requests_per_s, _tenths),
            Text(_written(rates.failed_per_s, _tenths), style="bold red" if failing else ""),
            _written(rates.p95_s, figures.milliseconds),
        )
    return drawn


def _states(one: Activity) -> Text:
    states = dict.fromkeys(node.state for node in one.nodes)
    return Text(", ").join(Text(state, printing.STYLES.get(state, "")) for state in states)


def _tenths(value: float) -> str:
    return figures.number(value, 1)


def _written(value: float | None, write: Callable[[float], str]) -> str:
    return "-" if value is None else write(value)
