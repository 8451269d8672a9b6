"""`tarmac snapshot`: save the state of all stores at one point, and load it again."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project

SECTION = "Run"


@click.command("snapshot", short_help="Save the state of all stores, and load it again.")
@click.argument("verb", type=click.Choice(("save", "load", "list")))
@click.argument("words", metavar="[SYSTEM] [NAME]", nargs=-1)
@_project.namespace_option
@click.option("--force", is_flag=True, help="Replace a snapshot of that name.")
@_project.timeout_option
@_project.json_option
def VERB(
    verb: str,
    words: tuple[str, ...],
    namespace: str,
    *,
    force: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Save the data of all stores of SYSTEM as NAME, at one point; or load it again.

    Example: tarmac snapshot save shop before-sale
    """
    from tarmac.cli import _snapshot

    system, names = _project.split_names(words)
    if len(names) != (0 if verb == "list" else 1):
        needs = "no NAME" if verb == "list" else "one NAME"
        raise click.UsageError(f"{verb} takes {needs}: tarmac snapshot {verb} [SYSTEM] ...")
    work = _snapshot.Work(_project.find(system), namespace, as_json)
    match verb:
        case "save":
            work.save(names[0], force=force)
        case "load":
            sys.exit(work.load(names[0], timeout))
        case "list":
            work.list()
