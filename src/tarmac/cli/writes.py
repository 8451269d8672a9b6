"""`tarmac writes`: what programs wrote that a read-only container refuses, and what to declare."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tarmac.base.errors import TarmacError
from tarmac.cli import _project

if TYPE_CHECKING:
    from tarmac.run.local.process.written import ServiceWrites

SECTION = "See"


@click.command("writes", short_help="Show what programs wrote that a container refuses.")
@_project.system_argument
@_project.json_option
def VERB(system: str | None, namespace: str, *, as_json: bool) -> None:
    """Show what the programs of SYSTEM wrote since `tarmac up --read-only`, and what to declare.

    Rendered containers have a read-only root: a program may write to /tmp, to its volumes and to
    the folders under `writable`. With --read-only it runs here as well on files that nothing
    changes; what it writes elsewhere is thrown away, and listed. Services of the kit are not
    concerned. Exit code 1 if there is anything to declare.

    Example: tarmac writes shop
    """
    from tarmac.run.local.process import written

    home = _project.home_of(system, namespace)
    found = written.read(home)
    if not found:
        raise TarmacError(
            f"{home.root}: no program ran on read-only files; start the system with "
            "`tarmac up --read-only`"
        )
    if as_json:
        _project.print_json({"services": [asdict(writes) for writes in found]})
    else:
        for writes in found:
            _show(writes)
    sys.exit(1 if any(map(_has_any, found)) else 0)


def _show(writes: ServiceWrites) -> None:
    if not _has_any(writes):
        click.echo(f"{writes.service}: wrote nothing but what it may")
    if writes.folders:
        pairs = ", ".join(f"{folder.path}: {folder.image}" for folder in writes.folders)
        click.echo(f"{writes.service}: add what need not outlive it; `volumes` for the rest:")
        click.echo(f"  writable: {{{pairs}}}")
        for folder in writes.folders:
            more = f" and {len(folder.files) - 1} more" if len(folder.files) > 1 else ""
            click.echo(f"    {folder.files[0]}{more}")
    if writes.beside:
        click.echo(
            f"{writes.service}: no mount can help where a folder has other files; have it write "
            "to a folder of its own, or below /tmp:"
        )
        for path in writes.beside:
            click.echo(f"    {path}")
    if writes.home:
        click.echo(
            f"{writes.service}: a container has no home folder; set `HOME: /tmp` in its `env`, "
            "which it then has here, too:"
        )
        for path in writes.home:
            click.echo(f"    {path}")


def _has_any(writes: ServiceWrites) -> bool:
    return bool(writes.folders or writes.beside or writes.home)
