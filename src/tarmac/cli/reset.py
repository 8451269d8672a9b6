"""`tarmac reset`: delete the data of stores and restart them."""

from __future__ import annotations

import sys

import click

from tarmac.base.errors import BadInput, Problem, TarmacError, check_names
from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project
from tarmac.run.local.state.paths import Home

SECTION = "Run"


@click.command("reset", short_help="Delete a store's data and restart it empty.")
@click.argument("names", metavar="[SYSTEM] STORES...", nargs=-1)
@project.namespace_option
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@click.option("--no-snapshot", is_flag=True, help="Save no snapshot before.")
@project.timeout_option
@project.json_option
def VERB(
    names: tuple[str, ...],
    namespace: str,
    *,
    yes: bool,
    no_snapshot: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Stop the users of the STORES of SYSTEM, delete the data, restart all and apply the seeds.

    Before that, all stores are saved as a snapshot, of which the last three are kept; with
    --fast-stores none is. If SYSTEM is not running, the data is deleted and the next `up` starts
    with empty stores.

    Example: tarmac reset shop orders-db payments-db
    """
    from tarmac.cli.output import printing
    from tarmac.run.local.supervisor import client, remove
    from tarmac.run.local.supervisor.requests import Reset
    from tarmac.run.local_system import LocalSystem

    system, stores = project.split_names(names)
    if not stores:
        raise click.UsageError("name the stores to empty: tarmac reset [SYSTEM] STORES...")
    home = project.home_of(system, namespace)
    status = LocalSystem(project.find(system), home).status()
    known = [n.name for n in status.nodes if n.role in ("store", "broker")]
    check_names(stores, known, "no running store")
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("this deletes data; pass --yes to confirm")
        click.confirm(
            f"This deletes the data of {', '.join(stores)}. Continue?", abort=True, err=True
        )
    with waiting("saving a snapshot"):
        saved = "" if no_snapshot else _saved(home)
    if saved and not as_json:
        click.echo(f"saved {saved}; `tarmac snapshot load {saved}` brings the data back")
    if not client.is_running(home):
        deleted = remove.delete_nodes(home, stores)
        if as_json:
            terminal.print_json({"deleted": deleted, "healthy": False, "snapshot": saved})
        for line in () if as_json else deleted:
            click.echo(f"deleted {line}")
        return
    with waiting("restarting"):
        done = client.ask(home, Reset(stores))
        status = client.wait(home, within_s=timeout)
    if as_json:
        terminal.print_json({**status.as_data(), "deleted": done.deleted, "snapshot": saved})
    else:
        for line in done.deleted:
            click.echo(f"deleted {line}")
        console = printing.open_console()
        console.print(printing.table(console, status))
        printing.explain_failures(console, status)
    sys.exit(0 if status.healthy else 1)


def _saved(home: Home) -> str:
    """Save a snapshot; return its name."""
    from tarmac.run.local.supervisor import automatic

    try:
        saved = automatic.save_before(home, "reset")
    except TarmacError as error:
        lines = str(error).splitlines()
        advice = "so nothing was deleted; --no-snapshot deletes it without one"
        problem = Problem("no snapshot can be saved before", f"{lines[0]}; {advice}")
        raise BadInput([problem]) from None
    return saved.manifest.name if saved is not None else ""
