"""What `up` shows: each step to health, how it came out, then the log."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from tarmac.cli import _follow, _project, _show
from tarmac.errors import TarmacError
from tarmac.local import client
from tarmac.local.client import Status
from tarmac.local.home import state
from tarmac.local.home.paths import Home


def wait(console: Console, home: Home, timeout_s: float | None) -> Status:
    """Wait for health, showing each step: a live table on a terminal, else a line a change."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=12, transient=True) as live:
            return client.wait(
                home,
                within_s=timeout_s,
                on_change=lambda now: live.update(_show.table(now, console.width)),
            )
    before = client.status(home)
    said = {node.name: node.state for node in before.nodes} if before else {}

    def say(now: Status) -> None:
        for node in now.nodes:
            loud = node.state in (state.HEALTHY, state.BACKOFF, state.CRASH_LOOP, state.UNHEALTHY)
            if loud and said.get(node.name) != node.state:
                said[node.name] = node.state
                detail = f": {node.detail}" if node.detail else ""
                console.print(f"{node.name} {node.state}{detail}", soft_wrap=True)

    return client.wait(home, within_s=timeout_s, on_change=say)


def take_ends_for_ctrl_c() -> None:
    """Have a kill and a closed terminal end this as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def report(
    console: Console,
    before: Status | None,
    status: Status,
    change: dict[str, Any],
    began: float,
    *,
    as_json: bool,
) -> None:
    """Say how it came out: what to open and to start, or why something does not get well.

    Args:
        before: how it stood before, if it ever ran.
        began: when it was asked for, monotonic.
    """
    took_s = time.monotonic() - began
    if as_json:
        keys = ("started", "restarted", "stopped", "failed")
        changes = {key: change.get(key, []) for key in keys}
        _project.print_json({**_show.as_data(status), "changes": changes, "took_s": took_s})
    for note in status.notes:
        console.print(f"note: {note}", style="yellow", soft_wrap=True)
    for name in sorted(set(change["restarted"]) & _others(before) - _others(status)):
        text = f"{name} is started here again; yours still runs, and nobody is sent to it"
        console.print(f"note: {text}", style="yellow", soft_wrap=True)
    for name, why in change.get("failed", {}).items():
        console.print(f"{name}: {why}; the old one serves on", style="bold red", soft_wrap=True)
    if not status.healthy or change.get("failed"):
        _show.explain_failures(console, status)
        for node in status.nodes:
            if node.role == "service" and node.state == state.CRASH_LOOP:
                rest = f"tarmac up {_named(status)}--without {node.name}"
                console.print(f"the rest without {node.name}: {rest}", style="dim", soft_wrap=True)
        return
    parts = [
        f"{len(change[key])} {key}" for key in ("started", "restarted", "stopped") if change[key]
    ]
    console.print(
        f"[green]{status.system} is healthy[/green] after {took_s:.1f} s "
        f"({', '.join(parts) or 'nothing had changed'}). Open:"
    )
    theirs = tuple(node for node in status.nodes if node.state != state.OUTSIDE)
    _show.what_to_open(console, theirs)
    for node in status.nodes:
        if node.state == state.OUTSIDE:
            name = f"{_named(status)}{node.name}"
            console.print(f"{node.name} is yours to start:", style="bold")
            console.print(f"  tarmac run {name}   starts it in your terminal", soft_wrap=True)
            console.print(f"  tarmac env {name}   prints what your debugger needs", soft_wrap=True)


def tell_what_becomes(console: Console, status: Status, stop: str, *, stopped: bool) -> None:
    """Say whether what is not healthy goes on without this process; nothing of what is."""
    goes_on = f"it runs on and tries again; {stop} stops it"
    last = "stopped; with -d, --watch or in a terminal it goes on" if stopped else goes_on
    if not status.healthy:
        console.print(f"\n{last}", style="dim")


def tell_how_it_ends(console: Console, status: Status, stop: str, *, ours: bool) -> None:
    """Say what Ctrl-C does to what the log is shown of."""
    what = "stops everything" if ours else f"leaves it running; {stop} stops it"
    trying = "" if status.healthy else "It goes on trying; "
    console.print(f"\n{trying}Ctrl-C {what}.\n", style="dim")


def _others(status: Status | None) -> set[str]:
    """Name the services that run and were started by somebody else."""
    nodes = status.nodes if status is not None and status.running else ()
    return {n.name for n in nodes if n.pid is None and n.state in (state.READY, state.HEALTHY)}


def _named(status: Status) -> str:
    """Write the arguments that name a system from here; none in its own folder."""
    copy = "" if status.namespace == "default" else f"-n {status.namespace} "
    for name in (None, status.system):
        with contextlib.suppress(TarmacError):
            if Path(status.file) == _project.find(name).resolve():
                return f"{copy}{name} " if name else copy
    return f"{copy}{status.file} "


def show_log(console: Console, home: Home, status: Status) -> None:
    """Show the services' lines as they come, until the system is stopped."""
    names = [node.name for node in status.nodes if node.role == "service"]
    if (home.logs / "watch.log").exists():
        names.append("watch")
    width = max(map(len, names))
    tails = [_follow.Tail(home.logs / f"{name}.log", last=0) for name in names]
    for line in _follow.follow(tails, lambda: client.is_running(home)):
        console.print(_follow.written(line, width), soft_wrap=True)
    console.print("somebody else stopped it", style="dim")
