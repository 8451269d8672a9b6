"""Prints a system's state, as a table or as JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tarmac.base import figures
from tarmac.base.errors import printable
from tarmac.cli._terminal import PlainStream
from tarmac.run.local.state import state
from tarmac.run.local.state.state import NodeState
from tarmac.run.local.supervisor.status import Status

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


def table(status: Status, width: int) -> Table:
    """Draw every node with its state, address and what it waits for, fitted to a width."""
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
            "WHAT": Text(_first_line(node.detail or node.about), "" if node.detail else "dim"),
        }
        for node in status.nodes
    ]
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    left = width
    for column in rows[0] if rows else ():
        widest = max(len(row[column]) for row in rows)
        if not widest:
            continue
        # On a narrow terminal only the last column is shortened.
        fixed: int | None = max(widest, len(column))
        if column == "WHAT":
            for row in rows:
                row[column].truncate(max(10, left), overflow="ellipsis")
            fixed = None
        else:
            left -= max(widest, len(column)) + 2
        right: JustifyMethod = "right" if column in ("PID", "RESTARTS") else "left"
        drawn.add_column(column, justify=right, no_wrap=True, min_width=fixed)
    shown = [str(column.header) for column in drawn.columns]
    for row in rows:
        drawn.add_row(*(row[column] for column in shown))
    return drawn


def what_differs(console: Console, status: Status) -> None:
    """Print which repositories do not run as they are locked, and what is off."""
    for line in status.replaced:
        console.print(line, style="yellow", soft_wrap=True)
    if status.off:
        text = f"off: {', '.join(status.off)}; `tarmac start NAME` starts one"
        console.print(text, style="dim", soft_wrap=True)


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
        headline = Text(f"\n{node.name} is in state {node.state}: {node.detail}", "bold red")
        console.print(headline, soft_wrap=True)
        for line in node.last_lines[-12:]:
            console.print(Text(f"  {line}", "dim"), soft_wrap=True)
        if node.cause:
            console.print(Text(f"  likely cause: {node.cause}", "yellow"), soft_wrap=True)
        console.print(f"  more: tarmac logs {status.system} {node.name}")
    if still_starting:
        console.print(f"\nstill starting: {', '.join(still_starting)}", style="dim", soft_wrap=True)


def kept_serving(name: str, why: str) -> str:
    """Say that a replacement failed."""
    return f"{name}: new version failed to start ({why}); the previous instance keeps serving"


def what_to_open(console: Console, nodes: tuple[NodeState, ...], dashboard: str = "") -> None:
    """Print the pages to open, the dashboard's last; every address if nothing is public.

    Of a service that is known by its port alone, what a browser would be refused with stands there:
    a port that takes connections may serve nothing.
    """
    from tarmac.run.refusals import refusals

    pages = [(node.name, node.page) for node in nodes if node.page and node.role == "service"]
    refused = refusals([node.page for node in nodes if node.page and node.by_port])
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


class PlainConsole(Console):
    """A terminal with our own colours and movements, and none that a text has."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Draw something, with what a terminal would act on escaped in its text."""
        for segment in super().render(renderable, options):
            is_ours = segment.control is not None
            yield segment if is_ours else Segment(printable(segment.text), segment.style)


def open_console(*, stderr: bool = False) -> Console:
    """Open the console; a pipe or file gets whole lines instead of 80 columns."""
    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.terminal if isinstance(stream, PlainStream) else None
    console = PlainConsole(file=terminal, stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=200)


def _address(node: NodeState) -> str:
    if node.role == "service" or not node.ports:
        return ""
    return f"127.0.0.1:{next(iter(node.ports.values()))}"


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]
