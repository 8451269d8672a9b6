"""`tarmac promote`: what one environment runs, or what was just built, becomes another's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

if TYPE_CHECKING:
    from tarmac.change.promote.model_file import PromotionResult


def _images(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read `SERVICE=TAG` options."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, image = value.partition("=")
        if not name or not equals or not image:
            what = f"'{value}' is not SERVICE=TAG or SERVICE=sha256:DIGEST"
            raise click.BadParameter(what, ctx, param)
        found[name] = image
    return found


SECTION = "Deliver"


@click.command(
    "promote", short_help="Write one environment's images into another's; show the diff."
)
@click.argument("system", required=False)
@click.option("--to", "to", metavar="ENV", required=True, help="The environment to change.")
@click.option(
    "--from", "source", metavar="ENV", help="The environment to copy version and images from."
)
@click.option(
    "--image",
    "images",
    metavar="SERVICE=TAG",
    multiple=True,
    callback=_images,
    help="A service's tag or sha256:DIGEST, as pushed by a pipeline; a store's sha256:DIGEST.",
)
@click.option("--dry-run", is_flag=True, help="Show the diff without writing.")
@project.json_option
def VERB(
    system: str | None,
    to: str,
    source: str | None,
    images: dict[str, str],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write the versions of an environment into SYSTEM's file, and print the resulting diff.

    Only `version` and `images` of that environment are written; comments and all else stay. A file
    with uncommitted changes is rejected, so that the commit contains only the promotion. Also
    rejected are an environment whose images an image updater writes, and an environment with
    `checklist: true` while an item of checklist.yaml is open. Without a change nothing is written
    and the exit code is 0. Render and commit are the next steps:

    \b
        tarmac promote travel --to stg --image orders=sha-0123456789ab
        tarmac render travel --env stg --out GITOPS/environments/stg

    Example: tarmac promote travel --from stg --to prod
    """
    from tarmac.change.promote import model_file

    if source is None and not images:
        raise click.UsageError("give --from ENV or --image SERVICE=TAG")
    today = datetime.now(UTC).date()
    file = project.find(system)
    with waiting("comparing"):
        done = model_file.promote(file, source, to, images, today, write=not dry_run)
    if as_json:
        terminal.print_json(model_file.as_data(done))
    else:
        _show(done)


def _show(done: PromotionResult) -> None:
    """Print what became of a promotion."""
    from tarmac.change.compare.markdown import markdown

    if done.comparison is None:
        click.echo(f"{done.file}: {done.to} already runs these versions; nothing is written")
        return
    terminal.print_document(f"{markdown(done.comparison)}\n")
    for name, (was, now) in done.images.items():
        click.echo(f"  {name}: {was} -> {now}")
    if done.unready:
        click.echo(f"\nit would be rejected: {done.unready}\n")
    end = "written; commit it, then render" if done.written else "nothing is written (--dry-run)"
    click.echo(f"{done.file}: {end}")
