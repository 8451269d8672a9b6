"""`tarmac init`: write a `tarmac.yaml` for the repository that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tarmac.cli import _project
from tarmac.errors import BadInput, Problem

if TYPE_CHECKING:
    from tarmac.adopt._found import Found


@click.command("init", short_help="Write a tarmac.yaml for the repository that is here.")
@click.argument("folder", required=False, default=".")
@click.option("--stdout", is_flag=True, help="Print the file instead of writing it.")
@click.option("--name", help="The system's name; the folder's unless said otherwise.")
@_project.json_option
def VERB(folder: str, *, stdout: bool, name: str | None, as_json: bool) -> None:
    """Write FOLDER's tarmac.yaml from what is there: a compose file, or programs it recognises.

    It reads package.json, pyproject.toml, go.mod, Dockerfile, Procfile and the like, and the code's
    own use of variables and ports. It starts nothing, and a tarmac.yaml that is there stays.

    Example: tarmac init && tarmac up
    """
    from tarmac import adopt, registry, stores
    from tarmac.adopt._found import valid_name
    from tarmac.adopt._survey import survey
    from tarmac.adopt._write import nothing, write
    from tarmac.cli._repository import open_repository
    from tarmac.model.loader import load

    root = Path(folder)
    file = root / _project.FILE
    if not root.is_dir():
        raise BadInput([Problem(folder, "no such folder; give the repository's")])
    if file.exists() and not stdout:
        raise BadInput(
            [Problem(str(file), "is there already and stays; `tarmac init --stdout` prints anew")]
        )
    kinds = registry.load(stores, "STORE")
    found = survey(open_repository(root), registry.load(adopt, "RECOGNISER"), kinds.keys())
    system = valid_name(name or root.resolve().name)
    plain = [kind.id for kind in kinds.values() if not kind.broker]
    text = write(found, system) if found.services else nothing(system, plain, found.left_out)
    if stdout:
        click.echo(text, nl=False)
        return
    file.write_text(text)
    complaints: tuple[str, ...] = ()
    try:
        load(str(file), lambda path: Path(path).read_bytes())
    except BadInput as error:
        complaints = tuple(map(str, error.problems))
    if as_json:
        _project.print_json(_data(found, str(file), complaints))
    else:
        _tell(found, str(file), complaints)
    raise SystemExit(1 if complaints else 0)


def _missing(found: Found) -> list[tuple[str, str]]:
    return [
        (s.name, f"{name} ({where})") for s in found.services for name, where in s.missing.items()
    ]


def _data(found: Found, file: str, complaints: tuple[str, ...]) -> dict[str, object]:
    return {
        "file": file,
        "origins": list(found.origins),
        "services": {s.name: s.run for s in found.services},
        "stores": {store.name: store.kind for store in found.stores},
        "guesses": [f"{s.name}: {guess}" for s in found.services for guess in s.guesses],
        "to_do": [f"{s.name}: {each}" for s in found.services for each in s.to_do],
        "missing": [f"{service}: {name}" for service, name in _missing(found)],
        "secrets": sorted({name for s in found.services for name in s.secrets}),
        "left_out": list(found.left_out),
        "problems": list(complaints),
    }


def _tell(found: Found, file: str, complaints: tuple[str, ...]) -> None:
    """Say what was found, what was assumed, what is still to do, and what comes next."""
    if not found.services:
        click.echo(f"{file} written: nothing was recognised here, so it holds an example that runs")
    else:
        click.echo(f"{file} written, from {', '.join(found.origins[:6])}")
    for service in found.services:
        where = f" in {service.folder}" if service.folder else ""
        ports = ", ".join(map(str, service.ports.values()))
        click.echo(f"  {service.name:<18} {service.run}{where}{f' :{ports}' if ports else ''}")
    stores = [*found.stores, *([found.broker] if found.broker else [])]
    for store in stores:
        click.echo(f"  {store.name:<18} {store.kind} {store.version}".rstrip())
    for title, lines in (
        ("assumed", [f"{s.name}: {guess}" for s in found.services for guess in s.guesses]),
        ("to do", [f"{s.name}: {each}" for s in found.services for each in s.to_do]),
        ("nobody gives", [f"{service}: {name}" for service, name in _missing(found)]),
        ("made up unless .env has them", sorted({n for s in found.services for n in s.secrets})),
        ("not carried over", list(found.left_out)),
        ("wrong, to be corrected by hand", list(complaints)),
    ):
        if lines:
            click.echo(f"{title}:")
        for line in lines:
            click.echo(f"  {line}")
    where = "" if Path(file).parent == Path() else f" {Path(file).parent}"
    click.echo(f"next: look through {file}, then `tarmac up{where}`")
