"""`tarmac help`: what a verb, a key, a fault, a kind of store or a gate is."""

from __future__ import annotations

import click

from tarmac.cli.parts import project
from tarmac.cli.parts.verbs import Verbs

SECTION = "See"
OWNER = "explain"


@click.command("help", short_help="Say what a verb, a key, a fault or a gate is.")
@click.argument("topic", required=False)
@project.json_option
@click.pass_context
def VERB(context: click.Context, topic: str | None, *, as_json: bool) -> None:
    """Say what TOPIC is; without TOPIC, list the topics.

    TOPIC is a verb, a key of tarmac.yaml or service.yaml with those above it (services.calls), a
    fault of drills, a kind of store, or the id of a gate. It needs no system and no network.

    Example: tarmac help environments.ingress
    """
    from tarmac.cli.output import help_texts

    verbs = context.find_root().command
    assert isinstance(verbs, Verbs)  # noqa: S101 - for mypy: it is the command that ran this one
    if topic is None:
        help_texts.overview(verbs, context, as_json=as_json)
    else:
        help_texts.topic(topic, verbs, context, as_json=as_json)
