"""`tarmac snapshot`: save the state of all stores at one point, and load it again."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tarmac.cli.parts import project

SECTION = "Run"
VERBS = ("save", "load", "list", "delete", "export", "import")


@click.command("snapshot", short_help="Save the state of all stores, and load it again.")
@click.argument("verb", type=click.Choice(VERBS), metavar=f"{{{'|'.join(VERBS)}}}")
@click.argument("words", metavar="[SYSTEM] [NAME]", nargs=-1)
@project.namespace_option
@project.file_option("--file", "file", "The file that `export` writes; default: NAME.snapshot.")
@click.option("--as", "name", metavar="NAME", default="", help="What `import` calls it.")
@click.option("--force", is_flag=True, help="Replace a snapshot, or a file, of that name.")
@project.timeout_option
@project.json_option
def VERB(
    verb: str,
    words: tuple[str, ...],
    namespace: str,
    *,
    file: Path | None,
    name: str,
    force: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Save the data of all stores of SYSTEM at one point as NAME, or load it again.

    The stores are stopped meanwhile, for about a second; services run on and reconnect. `load`
    asks the invariants afterwards. `import` takes the FILE of an `export` in the place of NAME. All
    copies of a system (--namespace) have the same snapshots. Exit code 1 if an invariant is
    violated after a load, 2 if a snapshot is refused: nothing has changed then.

    Example: tarmac snapshot save shop before-sale
    """
    from tarmac.cli.parts import snapshot

    names = 0 if verb == "list" else 1
    if not names <= len(words) <= names + 1:
        wanted = {"list": "", "import": " FILE"}.get(verb, " NAME")
        raise click.UsageError(f"write: tarmac snapshot {verb} [SYSTEM]{wanted}")
    system = words[0] if len(words) > names else None
    work = snapshot.Work(project.find(system), namespace, force=force, as_json=as_json)
    match verb:
        case "save":
            work.save(words[-1])
        case "load":
            sys.exit(work.load(words[-1], timeout))
        case "list":
            work.list()
        case "delete":
            work.delete(words[-1])
        case "export":
            work.export(words[-1], file)
        case "import":
            work.read_in(words[-1], name)
