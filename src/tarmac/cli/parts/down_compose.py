"""Ends a system on a machine with Docker Compose; used by the verb `down`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tarmac.base.errors import BadInput, Problem
from tarmac.cli.output import terminal
from tarmac.run import compose_system
from tarmac.run.compose import ending
from tarmac.run.opening import CLUSTER, Place


def down(file: Path, place: Place, *, deletes: bool, asks: bool, as_json: bool) -> None:
    """End the containers of a system; with their data, once that was confirmed.

    Raises:
        BadInput: it is in a cluster, was never deployed, or there is no terminal to confirm in.
        TarmacError: the daemon does not answer, or refuses.
    """
    if place.target == CLUSTER:
        how = "`kubectl delete namespace` removes it, `tarmac teardown` what Terraform has made"
        raise BadInput([Problem("--target cluster", f"`down` ends nothing there; {how}")])
    place.check()
    running = compose_system.opened(file, place.host, place.context, place.environment).deployed
    where = f"{running.release.project} on {running.docker.host}"
    if deletes and asks:
        entry = running.plan.settings.entry
        # An authority gives few certificates of the same hosts in a week.
        had = " and the certificates of its entry" if entry and entry.email else ""
        if not sys.stdin.isatty():
            what = f"would delete all data of {where}{had}; add --yes to confirm"
            raise BadInput([Problem("--delete-data", what)])
        click.confirm(f"delete all data of {where}{had}?", abort=True)
    ended = ending.end(running)
    deleted = ending.delete(running.project) if deletes else []
    if as_json:
        terminal.print_json({"stopped": bool(ended), "deleted": deleted})
        return
    click.echo(f"ended: {', '.join(ended)}" if ended else "nothing was running")
    for line in deleted:
        click.echo(f"deleted {line}")
