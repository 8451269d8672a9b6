"""`tarmac up`: start a system, or apply what changed to the one that runs."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from tarmac.cli import _project

if TYPE_CHECKING:
    from rich.console import Console

    from tarmac.local.client import Status
    from tarmac.local.paths import Home


@click.command("up", short_help="Start a system, or apply what changed.")
@_project.system_argument
@click.option("--detach", "-d", is_flag=True, help="Return when all is healthy; it runs on.")
@click.option("--fast-stores", is_flag=True, help="Give up durability for speed, in tests.")
@click.option("--strict-ports", is_flag=True, help="A taken port is an error.")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds to wait for health.")
@_project.json_option
def VERB(
    system: str | None,
    namespace: str,
    *,
    detach: bool,
    fast_stores: bool,
    strict_ports: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Start SYSTEM with real stores and no Docker, or apply what changed to the one that runs.

    SYSTEM is a name below systems/, a file or a folder; without it, the tarmac.yaml here.
    Attached, it shows the log and Ctrl-C stops everything; with -d it returns once all is healthy.

    Example: tarmac up shop -d
    """
    from tarmac.cli import _show
    from tarmac.local import client
    from tarmac.local.paths import Home

    file = _project.find(system)
    home = Home.of(file, namespace)
    console = _show.open_console(stderr=as_json)
    began = time.monotonic()
    options = {
        "file": str(file),
        "namespace": namespace,
        "fast_stores": fast_stores,
        "strict_ports": strict_ports,
    }
    # Who finds it running only looks on: it goes on without them, as before.
    ours = not detach and not client.is_running(home)
    lifeline = None
    change = client.up(home, options)
    try:
        if ours:
            signal.signal(signal.SIGTERM, _interrupt)
            signal.signal(signal.SIGHUP, _interrupt)
            lifeline = client.attach(home)
        status = _wait(console, home, timeout)
        _report(console, status, change, time.monotonic() - began, as_json=as_json)
        if detach or not status.healthy:
            if lifeline is not None:
                client.down(home)
            sys.exit(0 if status.healthy else 1)
        what = (
            "stops everything" if ours else f"leaves it running; tarmac down {system or ''} stops"
        )
        console.print(f"Ctrl-C {what}.\n", style="dim")
        _show_log(console, home, status)
    except KeyboardInterrupt:
        if lifeline is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            console.print("stopping", style="dim")
            client.down(home)
        sys.exit(130)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _wait(console: Console, home: Home, timeout_s: float) -> Status:
    """Wait for health, showing each step: a live table on a terminal, else a line a change."""
    from tarmac.cli import _show
    from tarmac.local import client, state

    if console.is_terminal:
        from rich.live import Live

        with Live(console=console, refresh_per_second=12, transient=True) as live:
            return client.wait(
                home, within_s=timeout_s, on_change=lambda now: live.update(_show.table(now))
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


def _report(
    console: Console, status: Status, change: dict[str, Any], took_s: float, *, as_json: bool
) -> None:
    from tarmac.cli import _show

    if as_json:
        keys = ("started", "restarted", "stopped")
        changes = {key: change.get(key, []) for key in keys}
        _project.print_json({**_show.as_data(status), "changes": changes, "took_s": took_s})
    for note in status.notes:
        console.print(f"note: {note}", style="yellow", soft_wrap=True)
    if not status.healthy:
        _show.explain_failures(console, status)
        return
    parts = [
        f"{len(change[key])} {key}" for key in ("started", "restarted", "stopped") if change[key]
    ]
    console.print(
        f"[green]{status.system} is healthy[/green] after {took_s:.1f} s "
        f"({', '.join(parts) or 'nothing had changed'}). Open:"
    )
    _show.what_to_open(console, status.nodes)


def _show_log(console: Console, home: Home, status: Status) -> None:
    from tarmac.cli import _follow

    names = [node.name for node in status.nodes if node.role == "service"]
    width = max(map(len, names))
    tails = [_follow.Tail(home.logs / f"{name}.log", last=0) for name in names]
    for line in _follow.follow(tails):
        console.print(_follow.written(line, width), soft_wrap=True)
