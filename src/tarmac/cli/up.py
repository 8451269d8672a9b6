"""`tarmac up`: start a system, or apply changes to the running one."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project, shape_options, terminal_ui

SECTION = "Run"


@click.command("up", short_help="Start a system, or apply changes.")
@click.argument("names", metavar="[SYSTEM] [NAMES]...", nargs=-1)
@project.namespace_option
@click.option("--detach", "-d", is_flag=True, help="Return once all is healthy; leave it running.")
@click.option("--watch", "-w", is_flag=True, help="Reload services when their files change.")
@click.option("--ui", is_flag=True, help="Show it as `tarmac ui` does; `q` leaves it running.")
@click.option("--offline", is_flag=True, help="Ask no repository; take what is on this machine.")
@click.option("--from", "snapshot", metavar="NAME", help="Begin with the data of a snapshot.")
@shape_options.shape_options
@project.timeout_option
@project.json_option
def VERB(
    names: tuple[str, ...],
    namespace: str,
    *,
    only: bool,
    detach: bool,
    watch: bool,
    ui: bool,
    offline: bool,
    snapshot: str | None,
    timeout: float | None,
    as_json: bool,
    **shape: Any,
) -> None:
    """Start SYSTEM with real stores and no Docker, or apply changes to the running one.

    SYSTEM is a name below systems/, a file or a folder; without it, the tarmac.yaml here. NAMES are
    services and stores: these are started, with the services and stores that they need, and what
    already runs goes on. Without NAMES, everything is started but what has a profile.

    In the foreground the command shows the logs, and Ctrl-C stops everything; with -d it returns
    once all processes are healthy. With --ui the system runs on after `q`. With --from, a copy that
    never ran begins with the data of a snapshot: `tarmac up shop -n branch --from before-sale -d`.

    Example: tarmac up shop order-service -d
    """
    from tarmac.run.local.state.options import Options
    from tarmac.run.local.supervisor import client

    system, names = project.split_names(names)
    if only and not names:
        raise click.UsageError("--only needs the names of services or stores")
    if ui:
        _check_ui(for_program=detach or as_json)
    project.check_names(system, names)
    home = project.home_of(system, namespace)
    began = time.monotonic()
    asked = Options(
        file=str(project.find(system).resolve()),  # the supervisor has another working directory
        namespace=namespace,
        watch=watch,
        whole=not (names or shape["groups"]),
        part=() if only else names,
        only=names if only else (),
        **shape,
    )
    options = asked.after(client.options_before(home), runs=client.is_running(home))
    project.bring_included(options.file, options.sources, offline=offline)
    if snapshot is not None:
        from tarmac.run.local.supervisor import new_copy

        new_copy.fill(home, options, snapshot)
    # Attached to a system that already runs, Ctrl-C leaves it running.
    ours = not (detach or ui) and not client.is_running(home)
    lifeline = None
    stop = " ".join(filter(None, ("tarmac down", system)))
    before = client.status_before(home)
    answer = client.up(home, options, attached=ours)
    # Importing the progress display takes as long as the supervisor needs to start.
    from tarmac.cli.output import printing, progress

    console = printing.open_console(stderr=as_json)
    try:
        if ours:
            progress.treat_signals_as_ctrl_c()
        with waiting("starting"):
            change = answer()
        progress.print_notes(console, change.notes)
        if ui:
            terminal_ui.run(system, namespace)
        if ours:
            lifeline = client.attach(home)
        status = progress.wait(console, home, timeout)
        progress.report(console, before, status, change, began, as_json=as_json)
        # At a terminal, or with --watch, a user fixes what is wrong while the rest runs.
        if detach or not (status.healthy or watch or console.is_terminal):
            if lifeline is not None:
                client.down(home)
            progress.print_what_keeps_running(console, status, stop, stopped=lifeline is not None)
            sys.exit(0 if status.healthy and not change.failed else 1)
        progress.print_how_to_stop(console, status, stop, ours=ours)
        progress.show_log(console, home, status)
    except KeyboardInterrupt:
        if ours:
            progress.stop(console, home)
        elif detach:
            console.print(f"it keeps starting in the background; {stop} stops it", style="dim")
        sys.exit(130)


def _check_ui(*, for_program: bool) -> None:
    if for_program:
        raise click.UsageError("--ui needs the terminal; leave out --detach and --json")
    terminal_ui.require("tarmac up --ui")
