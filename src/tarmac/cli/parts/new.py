"""Runs the three kinds of `tarmac new`, and says what was made to a person and to a program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tarmac.base.errors import BadInput, Problem
from tarmac.cli.output import terminal

if TYPE_CHECKING:
    from tarmac.change.create.choices import Choices
    from tarmac.change.create.system import NewSystem

LANGUAGES = ("python", "node", "go", "java")
APIS = ("http", "grpc")
STORE = "postgres"


def own(language: str, api: str) -> str:
    """Name Tarmac's own template. Raises BadInput where there is none."""
    from tarmac.change.create import sources

    name, known = f"{language}-{api}", sources.names()
    if name not in known:
        offered = ", ".join(one for one in LANGUAGES if f"{one}-{api}" in known)
        what = f"there is no template in {language} for it; use `--language` {offered}"
        raise BadInput([Problem(f"--api {api}", what)])
    return name


def service(file: Path, chosen: Choices, source: str, *, as_json: bool) -> None:
    """Make a service, and say what was written and what comes next."""
    from tarmac.change.create import service as making
    from tarmac.change.create import sources

    new = making.make(file, chosen, sources.read(source), source)
    making.write(new)
    version = new.template.data.version
    if as_json:
        terminal.print_json(
            {
                "service": new.name,
                "folder": str(new.folder),
                "template": source,
                "version": version,
                "port": int(str(new.values["port"])),
                "files": sorted(new.files),
                "model": str(new.model),
                "owners": str(new.owners[0]) if new.owners else None,
            }
        )
        return
    click.echo(f"{new.folder}: {len(new.files)} files, from {source} (version {version})")
    click.echo(f"{new.model}: {new.name} on port {new.values['port']}")
    if new.owners:
        click.echo(f"{new.owners[0]}: {new.values['owner']}")
    where = "" if new.model.parent == Path() else f" {new.model.parent}"
    click.echo(f"next: review them, then `tarmac up{where}`")


def system(
    name: str,
    language: str,
    stores: tuple[str, ...],
    broker: str,
    owner: str,
    *,
    asks: bool,
    as_json: bool,
) -> None:
    """Make a system; at a terminal, ask for what was not given."""
    from tarmac.change.create import system as making

    if len(stores) > 1:
        raise BadInput([Problem("--store", "a new system has one store; name one")])
    store = next(iter(stores), "")
    if asks and sys.stdin.isatty() and sys.stdout.isatty():
        language = click.prompt("Language", default=language, type=click.Choice(LANGUAGES))
        store = store or click.prompt("Store", default=STORE)
        owner = owner or click.prompt("Team", default=making.OWNER)
    new = making.make(Path(name), language, store or STORE, broker, owner)
    making.write(new)
    _tell(new, "`tarmac up`", as_json=as_json)


def like(name: str, example: str, owner: str, *, as_json: bool) -> None:
    """Make a system like one that ships with Tarmac."""
    from tarmac.change.create import reference
    from tarmac.change.create import system as making

    new = reference.make(Path(name), example, owner)
    making.write(new)
    _tell(new, "`uv sync` and `tarmac up`", as_json=as_json)


def _tell(new: NewSystem, commands: str, *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(
            {"system": new.name, "folder": str(new.folder), "files": sorted(new.files)}
        )
        return
    click.echo(f"{new.folder}: {len(new.files)} files; {new.folder}/README.md says what they are")
    click.echo(f"next: cd {new.folder}, then {commands}")


def update(file: Path, name: str, *, write: bool, as_json: bool) -> None:
    """Print, or apply, what a service's template has changed since."""
    from tarmac.change.create import updating

    found = updating.compare(updating.find(file, name))
    if write:
        updating.apply(found)
    if as_json:
        terminal.print_json(
            {
                "service": name,
                "folder": str(found.folder),
                "before": found.before,
                "after": found.after,
                "patch": found.patch,
                "conflicts": dict(found.conflicts),
                "written": write,
            }
        )
    else:
        if not write:
            terminal.print_document(found.patch)
        for path, why in found.conflicts.items():
            click.echo(f"{found.folder / path}: {why}", err=True)
        about = f"version {found.before} -> {found.after}"
        done = "written" if write else "`--write` applies it, or `git apply` in that folder"
        if not found.changes:
            done = "nothing to change"
        click.echo(f"{found.folder}: {about}; {done}", err=True)
    sys.exit(1 if found.conflicts else 0)
