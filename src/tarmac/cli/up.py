"""`tarmac up`: start a system, or apply changes to the running one."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from typing import Any

import click

from tarmac.cli import _project

SECTION = "Run"


@click.command("up", short_help="Start a system, or apply changes.")
@_project.system_argument
@click.option("--detach", "-d", is_flag=True, help="Return once all is healthy; leave it running.")
@click.option("--watch", "-w", is_flag=True, help="Reload services when their files change.")
@click.option(
    "--scale",
    multiple=True,
    callback=_project.numbers,
    metavar="SERVICE=N",
    help="Number of instances of a service.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="SERVICE",
    help="Do not manage a service; start it by `tarmac run` or in a debugger.",
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME=PROVIDER",
    help="Provider of a store or kind: embedded, binary, docker or external.",
)
@click.option("--direct", is_flag=True, help="Connect services without the per-edge proxies.")
@click.option("--fast-stores", is_flag=True, help="Trade durability for speed, for tests.")
@click.option(
    "--telemetry/--no-telemetry",
    default=True,
    envvar="TARMAC_TELEMETRY",
    show_envvar=True,
    help="Receive spans, logs and metrics for the dashboard.",
)
@click.option("--inspect", is_flag=True, help="Count requests on the edges; see `tarmac edges`.")
@click.option(
    "--read-only", is_flag=True, help="Make files read-only for programs; see `tarmac writes`."
)
@click.option("--strict-ports", is_flag=True, help="Fail if a preferred port is taken.")
@_project.timeout_option
@_project.json_option
def VERB(
    system: str | None,
    namespace: str,
    *,
    detach: bool,
    watch: bool,
    timeout: float | None,
    as_json: bool,
    **shape: Any,
) -> None:
    """Start SYSTEM with real stores and no Docker, or apply changes to the running one.

    SYSTEM is a name below systems/, a file or a folder; without it, the tarmac.yaml here.
    In the foreground the command shows the logs, and Ctrl-C stops everything; with -d it returns
    once all processes are healthy.

    Example: tarmac up shop -d
    """
    from tarmac.run.local.state.options import Options
    from tarmac.run.local.supervisor import client

    home = _project.home_of(system, namespace)
    began = time.monotonic()
    options = Options(
        file=str(_project.find(system).resolve()),  # the supervisor has another working directory
        namespace=namespace,
        watch=watch,
        **shape,
    )
    # Attached to a system that already runs, Ctrl-C leaves it running.
    ours = not detach and not client.is_running(home)
    lifeline = None
    stop = " ".join(filter(None, ("tarmac down", system)))
    before = client.status_before(home)
    answer = client.up(home, options, attached=ours)
    # Importing the progress display takes as long as the supervisor needs to start.
    from tarmac.cli import _progress, _show

    console = _show.open_console(stderr=as_json)
    try:
        if ours:
            _progress.treat_signals_as_ctrl_c()
        change = answer()
        _progress.print_notes(console, change.notes)
        if ours:
            lifeline = client.attach(home)
        status = _progress.wait(console, home, timeout)
        _progress.report(console, before, status, change, began, as_json=as_json)
        # At a terminal, or with --watch, a user fixes what is wrong while the rest runs.
        if detach or not (status.healthy or watch or console.is_terminal):
            if lifeline is not None:
                client.down(home)
            _progress.print_what_keeps_running(console, status, stop, stopped=lifeline is not None)
            sys.exit(0 if status.healthy and not change.failed else 1)
        _progress.print_how_to_stop(console, status, stop, ours=ours)
        _progress.show_log(console, home, status)
    except KeyboardInterrupt:
        if ours:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            with contextlib.suppress(OSError):  # the terminal may be gone
                console.print("stopping", style="dim")
            with contextlib.suppress(client.SupervisorGone):
                client.down(home)
        elif detach:
            console.print(f"it keeps starting in the background; {stop} stops it", style="dim")
        sys.exit(130)
