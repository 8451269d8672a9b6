"""`tarmac fetch`: the definitions of the rendered custom resources, for a cluster."""

from __future__ import annotations

import sys

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "Check"
OWNER = "doctor"


@click.command("fetch", short_help="Download the definitions of custom resources, for a cluster.")
@click.option("--check", "only_check", is_flag=True, help="Only report whether they are installed.")
@project.json_option
def VERB(*, only_check: bool, as_json: bool) -> None:
    """Download the CustomResourceDefinitions of the kinds that Tarmac renders.

    `verify` does not need them: its schemas come with Tarmac. A cluster does. The sources are Go
    modules, so go is required; about 200 MB of download, 13 MB in the cache. Each file must match
    the hash that this version of Tarmac records. Nothing else uses the network.

    Exit code 1 if --check finds no definitions.

    Example: tarmac fetch
    """
    from tarmac.check.schemas import check, download, lock

    wanted = lock.read()
    folder = check.folder_of(wanted) / "crds"
    if not (folder.exists() or only_check):
        download.install(wanted, folder, lambda text: click.echo(text, err=True))
    here = folder.exists()
    if as_json:
        terminal.print_json(
            {
                "here": here,
                "folder": str(folder),
                "sources": [
                    source.label
                    for source in wanted.sources
                    if source.way == "go" and source.is_rendered
                ],
            }
        )
    elif here:
        click.echo(folder)
    else:
        click.echo("not installed; `tarmac fetch` downloads them")
    sys.exit(0 if here else 1)
