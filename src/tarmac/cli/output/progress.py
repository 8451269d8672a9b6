"""The output of `up`: progress to health, the result, then the logs."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from tarmac.base import figures
from tarmac.base.errors import TarmacError
from tarmac.cli.output import log_lines, printing, terminal
from tarmac.cli.parts import project
from tarmac.run.local.state import state
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.results import ApplyResult
from tarmac.run.local.supervisor.status import Status
from tarmac.run.telemetry.log_lines import Tail, follow

#: States that a line says when a service comes into them.
LOUD = (state.HEALTHY, state.RUNNING, state.BACKOFF, state.CRASH_LOOP, state.UNHEALTHY)


def wait(
    console: Console,
    home: Home,
    timeout_s: float | None,
    look: Callable[[Status], None] = lambda _: None,
) -> Status:
    """Wait for health, showing progress: a live table on a terminal, else a line per change.

    Args:
        look: is given each change, too; what it raises ends the wait.
    """
    with showing(console, client.status(home)) as show:

        def see(now: Status) -> None:
            show(now)
            look(now)

        return client.wait(home, within_s=timeout_s, on_change=see)


@contextlib.contextmanager
def showing(console: Console, before: Status | None) -> Iterator[Callable[[Status], None]]:
    """Give what shows a change: a live table on a terminal, else a line for each.

    Args:
        before: the nodes whose states are known already.
    """
    if console.is_terminal:
        with Live(console=console, refresh_per_second=12, transient=True) as live:
            yield lambda now: live.update(printing.table(console, now))
        return
    # By process, too: a replacement is as healthy as what it replaces.
    said = {node.name: (node.state, node.pid) for node in before.nodes} if before else {}

    def say(now: Status) -> None:
        for node in now.nodes:
            if said.get(node.name) != (node.state, node.pid):
                said[node.name] = (node.state, node.pid)
                detail = f": {node.detail}" if node.detail else ""
                if node.state in LOUD:
                    printing.say(console, f"{node.name} {node.state}{detail}")

    yield say


def treat_signals_as_ctrl_c() -> None:
    """Treat SIGTERM and a closed terminal like Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def stop(console: Console, home: Home) -> None:
    """Stop the system, whatever key is pressed meanwhile."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # the terminal may be gone
        console.print("stopping", style="dim")
    with contextlib.suppress(client.SupervisorGone):
        client.down(home)


def print_notes(console: Console, notes: Iterable[str]) -> None:
    """Print what a user should know of a start; what is known before it ends is said before."""
    for note in notes:
        printing.say(console, f"note: {note}", "yellow")


def report(
    console: Console,
    before: Status | None,
    status: Status,
    change: ApplyResult,
    began: float,
    *,
    as_json: bool,
) -> None:
    """Print the result: pages to open and services to start, or why something is not healthy.

    Args:
        before: its status before, if it ever ran.
        began: when `up` was called, monotonic.
    """
    took_s = time.monotonic() - began
    if as_json:
        terminal.print_json({**with_changes(status, change), "took_s": took_s})
    print_notes(console, [note for note in status.notes if note not in change.notes])
    print_taken_back(console, before, status, change)
    for name, why in change.failed.items():
        printing.say(console, printing.kept_serving(name, why), "bold red")
    if not status.healthy or change.failed:
        printing.explain_failures(console, status)
        for node in status.nodes:
            if node.role == "service" and node.state == state.CRASH_LOOP:
                rest = f"tarmac up {_named(status)}--without {node.name}"
                printing.say(console, f"to start the rest without {node.name}: `{rest}`", "dim")
        return
    changed = {key: len(getattr(change, key)) for key in ("started", "restarted", "stopped")}
    parts = [f"{count} {key}" for key, count in changed.items() if count]
    console.print(
        f"[green]{status.system} is healthy[/green] after {figures.number(took_s, 1)} s "
        f"({', '.join(parts) or 'nothing changed'}). Open:"
    )
    theirs = tuple(node for node in status.nodes if node.state not in (state.OUTSIDE, state.OFF))
    printing.what_to_open(console, theirs, status.dashboard)
    printing.what_differs(console, status)
    unknown = [node.name for node in status.nodes if node.state == state.RUNNING]
    for name in unknown:
        printing.say(
            console,
            f"{name} runs; its health is unknown: it has no port; give it a `probe` (a "
            "command, or a line of its log)",
            "dim",
        )
    for node in status.nodes:
        if node.state == state.OUTSIDE:
            name = f"{_named(status)}{node.name}"
            console.print(f"{node.name} is not managed (--without); start it with:", style="bold")
            console.print(f"  tarmac run {name}   starts it in your terminal", soft_wrap=True)
            console.print(f"  tarmac env {name}   prints what your debugger needs", soft_wrap=True)


def with_changes(status: Status, change: ApplyResult) -> dict[str, Any]:
    """Write a status as data, with what was started, restarted and stopped, and what failed."""
    keys = ("started", "restarted", "stopped", "failed")
    return {**status.as_data(), "changes": {key: getattr(change, key) for key in keys}}


def print_taken_back(
    console: Console, before: Status | None, status: Status, change: ApplyResult
) -> None:
    """Say of which services a user's own process is no longer used."""
    for name in sorted(set(change.restarted) & _external(before) - _external(status)):
        text = f"{name} is managed again; your process still runs but no longer receives traffic"
        printing.say(console, f"note: {text}", "yellow")


def print_what_keeps_running(console: Console, status: Status, stop: str, *, stopped: bool) -> None:
    """Say whether an unhealthy system keeps running without this process."""
    goes_on = f"it keeps running and retrying; {stop} stops it"
    last = "stopped; with -d, --watch or in a terminal it keeps running" if stopped else goes_on
    if not status.healthy:
        printing.say(console, f"\n{last}", "dim")


def print_how_to_stop(console: Console, status: Status, stop: str, *, ours: bool) -> None:
    """Say what Ctrl-C does to the system whose logs are shown."""
    what = "stops everything" if ours else f"leaves it running; {stop} stops it"
    trying = "" if status.healthy else "It keeps retrying; "
    printing.say(console, f"\n{trying}Ctrl-C {what}.\n", "dim")


def _external(status: Status | None) -> set[str]:
    """Name the services that run and were started outside Tarmac."""
    nodes = status.nodes if status is not None and status.running else ()
    return {n.name for n in nodes if n.pid is None and n.state in (state.READY, state.HEALTHY)}


def _named(status: Status) -> str:
    """Write the arguments that name a system from here; none in its own directory."""
    copy = "" if status.namespace == "default" else f"-n {status.namespace} "
    for name in (None, status.system):
        with contextlib.suppress(TarmacError):
            if Path(status.file) == project.find(name).resolve():
                return f"{copy}{name} " if name else copy
    return f"{copy}{status.file} "


def show_log(console: Console, home: Home, status: Status) -> None:
    """Show the services' lines as they come, until the system is stopped."""
    names = [node.name for node in status.nodes if node.role == "service"]
    if (home.logs / "watch.log").exists():
        names.append("watch")
    width = max(map(len, names))
    tails = [Tail(home.logs / f"{name}.log", last=0) for name in names]
    for line in follow(tails, lambda: client.is_running(home)):
        console.print(log_lines.written(line, width), soft_wrap=True)
    console.print("the system was stopped by another command", style="dim")
