"""`tarmac render`: write an environment's files into a folder, and keep what was edited there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

SECTION = "Deliver"


@click.command("render", short_help="Write an environment's files; keep manual edits.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The output folder; default: deploy/ENV beside the model.",
)
@click.option(
    "--only", multiple=True, metavar="PHASE|ID", help="Only these renderers; other files stay."
)
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if something differs.")
@click.option(
    "--patch", multiple=True, metavar="PATH", help="Keep an edit as a patch beside the model."
)
@click.option("--eject", multiple=True, metavar="PATH", help="Own the file: later renders skip it.")
@click.option(
    "--discard", multiple=True, metavar="PATH", help="Drop the edit and restore the rendered file."
)
@project.json_option
def VERB(
    system: str | None,
    environment: str | None,
    out: Path | None,
    only: tuple[str, ...],
    patch: tuple[str, ...],
    eject: tuple[str, ...],
    discard: tuple[str, ...],
    *,
    check: bool,
    as_json: bool,
) -> None:
    """Render all files that SYSTEM needs in an environment: Kubernetes objects, Terraform,
    pipelines and more.

    A manually edited file is never overwritten: the render stops with exit code 1 until you keep
    each edit as a patch (--patch), own the file (--eject), or drop the edit (--discard). PATH is a
    file or a folder.

    Example: tarmac render shop --env production
    """
    from tarmac.cli.output import rendered
    from tarmac.render import in_memory
    from tarmac.render.tree import folder
    from tarmac.render.tree.arguments import FileArguments

    request = FileArguments(patch, eject, discard)
    if check and request:
        raise click.UsageError("--check writes nothing; leave out --patch, --eject and --discard")
    with waiting("rendering"):
        made = in_memory.make(project.find(system), environment, only)
        out = out or made.source.folder / "deploy" / made.source.environment
        every = not only
        if check:
            outcome = folder.check(out, made.source, made.artifacts, all_renderers=every)
        else:
            outcome = folder.render(out, made.source, made.artifacts, request, all_renderers=every)
    try:
        Path.cwd()
    except FileNotFoundError:  # this shell's was in a folder that could only be replaced
        os.chdir(outcome.folder)
    shown = rendered.RenderReport(made, outcome, project.shown(outcome.folder), checked=check)
    if as_json:
        terminal.print_json(rendered.as_data(shown))
    else:
        rendered.show(shown)
    sys.exit(int(outcome.differs if check else bool(outcome.decision.refused)))
