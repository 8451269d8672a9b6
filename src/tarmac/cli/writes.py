"""`tarmac writes`: what programs wrote that a read-only container refuses, and what to declare."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tarmac.base.errors import TarmacError
from tarmac.cli.output import terminal
from tarmac.cli.parts import project

if TYPE_CHECKING:
    from tarmac.run.local.process.written import ServiceWrites

SECTION = "See"


@click.command("writes", short_help="Show files that programs wrote outside writable folders.")
@project.system_argument
@project.json_option
def VERB(system: str | None, namespace: str, *, as_json: bool) -> None:
    """Show files that SYSTEM's programs wrote since `tarmac up --read-only`, and folders to
    declare.

    Rendered containers have a read-only root: a program may write to /tmp, to its volumes and to
    the folders under `writable`. With --read-only the same holds locally: other writes are
    discarded, and listed. Services of the kit are not affected. Exit code 1 if a folder should be
    declared.

    Example: tarmac writes shop
    """
    from tarmac.run.local.process import written

    home = project.home_of(system, namespace)
    found = written.read(home)
    if not found:
        raise TarmacError(
            f"{home.root}: no program ran with read-only files; start the system with "
            "`tarmac up --read-only`"
        )
    if as_json:
        terminal.print_json({"services": [asdict(writes) for writes in found]})
    else:
        for writes in found:
            _show(writes)
    sys.exit(1 if any(map(_has_any, found)) else 0)


def _show(writes: ServiceWrites) -> None:
    if not _has_any(writes):
        click.echo(f"{writes.service}: wrote only to writable folders")
    if writes.folders:
        pairs = ", ".join(f"{folder.path}: {folder.image}" for folder in writes.folders)
        click.echo(f"{writes.service}: add folders of temporary files, and `volumes` for the rest:")
        click.echo(f"  writable: {{{pairs}}}")
        for folder in writes.folders:
            more = f" and {len(folder.files) - 1} more" if len(folder.files) > 1 else ""
            click.echo(f"    {folder.files[0]}{more}")
    if writes.beside:
        click.echo(
            f"{writes.service}: a mount would hide the folder's other files; make the "
            "service write to a separate folder, or below /tmp:"
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
