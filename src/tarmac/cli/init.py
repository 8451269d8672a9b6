"""`tarmac init`: write a `tarmac.yaml` for the repository that is there."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tarmac.base import writing
from tarmac.base.errors import BadInput, Problem
from tarmac.base.places import SYSTEM_FILE
from tarmac.cli.output import init_result, terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

SECTION = "Change"


@click.command("init", short_help="Write a tarmac.yaml for this repository.")
@click.argument("folder", required=False, default=".")
@click.option("--stdout", is_flag=True, help="Print the file instead of writing it.")
@click.option("--name", help="The system's name; default: the folder's name.")
@click.option(
    "--try",
    "tries",
    is_flag=True,
    help="Start the system, correct the file where services fail, note the rest, stop the system.",
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME=PROVIDER",
    help="Provider of a store or kind while --try runs: embedded, binary, docker or external.",
)
@click.option("--explain", is_flag=True, help="List which line each line of the file is from.")
@project.json_option
def VERB(
    folder: str,
    *,
    stdout: bool,
    name: str | None,
    tries: bool,
    providers: tuple[str, ...],
    explain: bool,
    as_json: bool,
) -> None:
    """Write FOLDER's tarmac.yaml from a compose file, or from the programs that it recognises.

    It reads package.json, pyproject.toml, go.mod, Dockerfile, Procfile and the like, and the code's
    use of variables and ports. An existing tarmac.yaml is never overwritten, and nothing is started
    without --try, which also runs the file's tasks, and so installs packages in this folder. A
    compose file that Compose itself refuses is refused with its place, and nothing is written. What
    `tarmac up` would refuse of the new file is left out, and named there with the reason.

    Example: tarmac init && tarmac up
    """
    from tarmac import adopt
    from tarmac.adopt.survey.found import valid_name
    from tarmac.adopt.survey.survey import survey
    from tarmac.adopt.writing.explain import explained
    from tarmac.adopt.writing.write import write
    from tarmac.base import registry
    from tarmac.catalog import stores
    from tarmac.cli.parts.repository import open_repository

    if stdout and as_json:
        raise click.UsageError("--stdout and --json exclude each other; pass one of them")
    if providers and not tries:
        raise click.UsageError(
            "--provider is for a try; pass --try, too, or give it to `tarmac up`"
        )
    writing.check_name(folder)
    root, file = Path(folder), Path(folder) / SYSTEM_FILE
    if not root.is_dir():
        raise BadInput([Problem(folder, "no such folder; name the repository's folder")])
    exists = Problem(str(file), "already exists; `tarmac init --stdout` prints a new one")
    if os.path.lexists(file) and not stdout:
        raise BadInput([exists])
    kinds = registry.load(stores, "STORE")
    skipped: dict[str, str] = {}
    system = valid_name(name or root.resolve().name)
    with waiting("reading the repository"):
        repository = open_repository(root, skipped.setdefault)
        found = survey(repository, registry.load(adopt, "RECOGNISER"), kinds.keys())
        checked = init_result.checked(found, file, system)
    found, text, complaints, lacks = checked
    lines = tuple(f"{name}: {why}" for name, why in sorted(skipped.items()))
    if stdout:
        terminal.print_document(text)
        for line in lines:
            click.echo(f"skipped: {line}", err=True)
        if explain:
            init_result.show_sources(explained(found, repository, text), SYSTEM_FILE, err=True)
        return
    with writing.opened(root) as opened:
        if not writing.write_new(opened, SYSTEM_FILE, text):
            raise BadInput([exists])
    trial = None
    if tries and found.services and not complaints:
        from tarmac.cli.parts.init_trial import tried

        trial = tried(found, file, system, frozenset(kinds), providers)
        found = trial.found
    sources = explained(found, repository, write(found, system)) if explain else ()
    if as_json:
        data = init_result.as_data(found, str(file), complaints, lines, lacks, trial)
        terminal.print_json(
            {**data, **({"sources": [s._asdict() for s in sources]} if explain else {})}
        )
    else:
        init_result.show(found, str(file), complaints, lines, lacks, trial)
        init_result.show_sources(sources, str(file))
    raise SystemExit(1 if complaints or (trial is not None and not trial.is_healthy) else 0)
