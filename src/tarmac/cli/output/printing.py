"""Prints a system's state, as a table or as JSON."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tarmac.base import figures
from tarmac.base.errors import printable
from tarmac.cli.output.terminal import PlainStream, wrapped
from tarmac.cli.output.terminal import is_unicode as is_unicode_stream
from tarmac.run.local.state import state
from tarmac.run.local.state.state import NodeState
from tarmac.run.local.supervisor.status import Status

#: Of a pipe or a file, in which nothing is shortened.
WIDEST = 100_000
STYLES = {
    state.HEALTHY: "green",
    state.RUNNING: "green",
    state.READY: "cyan",
    state.BOOTED: "cyan",
    state.UNHEALTHY: "bold red",
    state.CRASH_LOOP: "bold red",
    state.BACKOFF: "yellow",
    state.STOPPED: "dim",
    state.OFF: "dim",
}


def table(console: Console, status: Status) -> Table:
    """Draw every node with its state, address and what it waits for, fitted to the console."""
    now = time.time()
    rows = [
        {
            "NAME": Text(node.name),
            "GROUP": Text(status.group_of(node)),
            "STATE": Text(node.state, STYLES.get(node.state, "")),
            "PID": Text(str(node.pid or "")),
            "SINCE": Text(figures.ago(now - node.since)),
            "RESTARTS": Text(str(node.restarts or "")),
            "ADDRESS": Text(node.url or _address(node)),
            "WHAT": Text(
                _first_line(node.detail or node.about),
                "" if node.detail else "dim",
                # Why something is not healthy is never shortened.
                no_wrap=not node.detail,
                overflow="fold" if node.detail else "ellipsis",
            ),
        }
        for node in status.nodes
    ]
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    shown = [title for title in (rows[0] if rows else ()) if any(row[title] for row in rows)]
    widest = max((len(row["WHAT"]) for row in rows if not row["WHAT"].no_wrap), default=10)
    for title in shown:
        right: JustifyMethod = "right" if title in ("PID", "RESTARTS") else "left"
        is_last = title == "WHAT"
        least = min(widest, 20) if is_last else None
        drawn.add_column(title, justify=right, no_wrap=not is_last, min_width=least)
    for row in rows:
        drawn.add_row(*(row[title] for title in shown))
    fit(console, drawn, ("PID", "SINCE", "GROUP"))
    return drawn


def print_table(console: Console, drawn: Table, spare: Iterable[str] = ()) -> None:
    """Print a table, and which of its columns a narrow terminal has no room for."""
    left_out = fit(console, drawn, spare)
    console.print(drawn)
    if left_out:
        what = f"a wider terminal also shows {', '.join(left_out)}; a pipe and --json have all"
        say(console, what, "dim")


def fit(console: Console, drawn: Table, spare: Iterable[str]) -> list[str]:
    """Take columns out of a table that is too wide: those that may be spared, in their order."""
    left_out = []
    for title in spare:
        if _needed(console, drawn) <= console.width:
            break
        if kept := [column for column in drawn.columns if column.header != title]:
            left_out += [title] * (len(kept) < len(drawn.columns))
            drawn.columns = [replace(column, _index=n) for n, column in enumerate(kept)]
    return left_out


def _needed(console: Console, drawn: Table) -> int:
    """Return the width in which no word of a table is broken, and no cell of one line."""
    options = console.options.update(max_width=WIDEST)
    needed = 2 * (len(drawn.columns) - 1)
    for column in drawn.columns:
        cells = (column.header, *column.cells)
        found = [Measurement.get(console, options, cell) for cell in cells]
        if column.min_width is not None:
            needed += column.min_width
        else:
            needed += max(one.maximum if column.no_wrap else one.minimum for one in found)
    return needed


def what_differs(console: Console, status: Status) -> None:
    """Print which repositories do not run as they are locked, and what is off."""
    for line in status.replaced:
        say(console, line, "yellow")
    if status.off:
        text = f"off: {', '.join(status.off)}; `tarmac start NAME` starts one"
        say(console, text, "dim")


def explain_failures(console: Console, status: Status) -> None:
    """Print the last lines and the likely cause of each node that is not healthy."""
    broken = any(node.state in (state.CRASH_LOOP, state.UNHEALTHY) for node in status.nodes)
    still_starting: list[str] = []
    for node in status.nodes:
        if node.state == state.STOPPED:
            continue
        slow = node.state in (state.STARTING, state.BOOTED) and not (node.cause or node.restarts)
        if broken and slow:  # the wait ended early, because of another
            still_starting.append(node.name)
            continue
        if node.state in (*state.WELL, state.READY, state.WAITING) and not node.cause:
            continue  # it waits for another
        say(console, f"\n{node.name} is in state {node.state}: {node.detail}", "bold red")
        for line in node.last_lines[-12:]:
            console.print(Text(f"  {line}", "dim"), soft_wrap=True)
        if node.cause:
            say(console, f"  likely cause: {node.cause}", "yellow")
        console.print(f"  more: tarmac logs {status.system} {node.name}", soft_wrap=True)
    if still_starting:
        say(console, f"\nstill starting: {', '.join(still_starting)}", "dim")


def kept_serving(name: str, why: str) -> str:
    """Say that a replacement failed."""
    return f"{name}: new version failed to start ({why}); the previous instance keeps serving"


def what_to_open(console: Console, nodes: tuple[NodeState, ...], dashboard: str = "") -> None:
    """Print the pages to open, the dashboard's last; every address if nothing is public.

    Of a service that is known by its port alone, what a browser would be refused with stands there:
    a port that takes connections may serve nothing.
    """
    pages = [(node.name, node.page) for node in nodes if node.page and node.role == "service"]
    refused: dict[str, str] = {}
    if unasked := [node.page for node in nodes if node.page and node.by_port]:
        from tarmac.run.refusals import refusals

        refused = refusals(unasked)
    pages += [(node.name, node.page) for node in nodes if node.page and node.role != "service"]
    found = pages or [(node.name, node.url) for node in nodes if node.url]
    for name, page in [*found, *([("dashboard", dashboard)] if dashboard else [])]:
        note = f"  [yellow]{refused[page]}[/yellow]" if page in refused else ""
        console.print(f"  {name:<22} [link={page}]{page}[/link]{note}", soft_wrap=True)


def columns(left: Iterable[str], right: Iterable[str]) -> Table:
    """Give an empty table with columns of words, and of numbers to the right of them."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for name in left:
        drawn.add_column(name, overflow="fold")
    for name in right:
        drawn.add_column(name, justify="right")
    return drawn


def say(console: Console, text: str, style: str = "") -> None:
    """Print sentences: broken at words where a terminal is narrow, whole lines in a pipe."""
    shown = wrapped(text, console.width) if console.is_terminal else text
    console.print(Text(shown, style), soft_wrap=True)


class PlainConsole(Console):
    """A terminal with our own colours and movements, and none that a text has."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Draw something, with what a terminal would act on escaped in its text."""
        for segment in super().render(renderable, options):
            is_ours = segment.control is not None
            yield segment if is_ours else Segment(self._shown(segment.text), segment.style)

    def _shown(self, text: str) -> str:
        is_unicode = self.encoding.startswith("utf") and is_unicode_stream()
        return printable(text) if is_unicode else printable(text).replace("…", "~")


def open_console(*, stderr: bool = False) -> Console:
    """Open the console; a pipe or file gets whole lines, and with NO_COLOR no terminal a code."""
    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.terminal if isinstance(stream, PlainStream) else None
    plain, asked = (os.environ.get(name) for name in ("NO_COLOR", "FORCE_COLOR"))
    colours: Literal["auto", "standard"] | None = None
    if stream is not None and stream.isatty():
        colours = None if plain else "auto"
        return PlainConsole(file=terminal, stderr=stderr, highlight=False, color_system=colours)
    colours = "standard" if asked and not plain else None
    return Console(
        stderr=stderr,
        highlight=False,
        width=WIDEST,
        force_terminal=False,
        color_system=colours,
    )


def _address(node: NodeState) -> str:
    if node.role == "service" or not node.ports:
        return ""
    return f"127.0.0.1:{next(iter(node.ports.values()))}"


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]
