"""`tarmac up`: start a system, or apply what changed to the one that runs."""

from __future__ import annotations

import contextlib
import signal
import sys
import time

import click

from tarmac.cli import _project


@click.command("up", short_help="Start a system, or apply what changed.")
@_project.system_argument
@click.option("--detach", "-d", is_flag=True, help="Return when all is healthy; it runs on.")
@click.option("--watch", "-w", is_flag=True, help="Serve edits as they are saved.")
@click.option(
    "--scale",
    multiple=True,
    callback=_project.numbers,
    metavar="SERVICE=N",
    help="How many instances of a service.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="SERVICE",
    help="Leave a service to you; `tarmac run` starts it, `tarmac env` helps a debugger.",
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME=PROVIDER",
    help="What a store or kind runs on: embedded, binary, docker or external.",
)
@click.option("--direct", is_flag=True, help="No wires: services connect to each other.")
@click.option("--fast-stores", is_flag=True, help="Give up durability for speed, in tests.")
@click.option("--strict-ports", is_flag=True, help="A taken port is an error.")
@_project.timeout_option
@_project.json_option
def VERB(
    system: str | None,
    namespace: str,
    *,
    detach: bool,
    watch: bool,
    scale: dict[str, int],
    without: tuple[str, ...],
    providers: tuple[str, ...],
    direct: bool,
    fast_stores: bool,
    strict_ports: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Start SYSTEM with real stores and no Docker, or apply what changed to the one that runs.

    SYSTEM is a name below systems/, a file or a folder; without it, the tarmac.yaml here.
    Attached, it shows the log and Ctrl-C stops everything; with -d it returns once all is healthy.

    Example: tarmac up shop -d
    """
    from tarmac.local import client
    from tarmac.local.home.paths import Home

    file = _project.find(system)
    home = Home.of(file, namespace)
    began = time.monotonic()
    options = {
        "file": str(file.resolve()),  # the one who runs may stand in another folder
        "namespace": namespace,
        "fast_stores": fast_stores,
        "strict_ports": strict_ports,
        "direct": direct,
        "watch": watch,
        "scale": scale,
        "without": without,
        "providers": providers,
    }
    # Who finds it running only looks on: it goes on without them, as before.
    ours = not detach and not client.is_running(home)
    lifeline = None
    stop = " ".join(filter(None, ("tarmac down", system)))
    before = client.status(home)
    answer = client.up(home, options, attached=ours)
    # What shows the progress takes as long to import as the supervisor needs to begin.
    from tarmac.cli import _progress, _show

    console = _show.open_console(stderr=as_json)
    try:
        if ours:
            _progress.take_ends_for_ctrl_c()
        change = answer()
        if ours:
            lifeline = client.attach(home)
        status = _progress.wait(console, home, timeout)
        _progress.report(console, before, status, change, began, as_json=as_json)
        # Who sits before it, or edits, mends what is wrong while the rest runs.
        if detach or not (status.healthy or watch or console.is_terminal):
            if lifeline is not None:
                client.down(home)
            _progress.tell_what_becomes(console, status, stop, stopped=lifeline is not None)
            sys.exit(0 if status.healthy and not change.get("failed") else 1)
        _progress.tell_how_it_ends(console, status, stop, ours=ours)
        _progress.show_log(console, home, status)
    except KeyboardInterrupt:
        if ours:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            with contextlib.suppress(OSError):  # the terminal may be gone
                console.print("stopping", style="dim")
            with contextlib.suppress(client.Gone):
                client.down(home)
        elif detach:
            console.print(f"it goes on starting; {stop} stops it", style="dim")
        sys.exit(130)
