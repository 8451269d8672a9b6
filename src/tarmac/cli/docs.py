"""`tarmac docs`: a system's catalogue as pages and as data, without a portal."""

from __future__ import annotations

from pathlib import Path

import click

from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

SECTION = "See"


@click.command("docs", short_help="Write a system's catalogue: services, owners, APIs, drills.")
@click.argument("system", required=False)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The output folder; default: docs beside the model's deploy folder.",
)
@project.json_option
def VERB(system: str | None, out: Path | None, *, as_json: bool) -> None:
    """Write pages about SYSTEM: one of the system, one of each service.

    They have owners, APIs, dependencies, objectives, the latest drill, the estimated cost and
    runbooks; they load nothing and print well. With --json the same is printed as data.

    Example: tarmac docs shop --out site
    """
    from tarmac.base import writing
    from tarmac.reports.site import facts, pages

    file = project.find(system)
    with waiting("gathering facts"):
        found = facts.read(file, system)
    if as_json:
        terminal.print_json(found)
        return
    folder = out or file.parent / "deploy/docs"
    writing.refuse_links(folder)
    with writing.made(folder) as root:
        for name, text in pages.pages(found).items():
            writing.write(root, name, text.encode())
    click.echo(f"{len(found['services']) + 1} pages: {project.shown(folder / pages.INDEX)}")
