"""`tarmac completion`: the script by which a shell completes verbs, options and names."""

from __future__ import annotations

import os
from pathlib import PurePath

import click
from click.shell_completion import get_completion_class

from tarmac.cli.parts.verbs import ASKED

SECTION = "See"
OWNER = "explain"
SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="Print a shell's completion script.")
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_context
def VERB(context: click.Context, shell: str | None) -> None:
    """Print the script by which SHELL completes verbs, options, systems, services and drills.

    Without SHELL, it is the one that $SHELL names. `eval "$(tarmac completion bash)"` takes it for
    this shell alone.

    Example: tarmac completion bash > ~/.tarmac-completion.bash
    """
    name = shell or PurePath(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise click.UsageError(f"$SHELL names none of {', '.join(SHELLS)}; name one")
    kind = get_completion_class(name)
    assert kind is not None  # noqa: S101 - click has these three
    click.echo(kind(context.find_root().command, {}, "tarmac", ASKED).source())
