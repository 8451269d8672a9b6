"""`tarmac new`: make a service or a system that runs, and keep up with its template."""

from __future__ import annotations

import click

from tarmac.cli import _new, _project

SECTION = "Change"
LANGUAGES = ("python", "node", "go")


@click.command("new", short_help="Make a new service that builds, runs and is observed.")
@click.argument("what", type=click.Choice(("service",)))
@click.argument("name")
@click.option("--system", help="The system to add it to; default: the tarmac.yaml here or above.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="python",
    show_default=True,
    help="The language of a service.",
)
@click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="KIND",
    help="Where a service keeps its data; redis beside another one is its cache.",
)
@click.option(
    "--events",
    type=click.Choice(("none", "publishes", "consumes")),
    default="none",
    show_default=True,
    help="Whether a service publishes or consumes a topic.",
)
@click.option("--topic", default="", help="The topic of the events; default: NAME.changed.")
@click.option(
    "--broker",
    metavar="KIND",
    default="",
    help="The broker of the events, for a system that has none; default: nats.",
)
@click.option("--calls", multiple=True, metavar="SERVICE", help="A service that it calls.")
@click.option("--port", type=click.IntRange(1024, 65535), help="Its port; default: a free one.")
@click.option("--owner", default="", help="Its team; default: the system's owner.")
@click.option("--description", default="", help="What it is for, in one line.")
@_project.json_option
def VERB(
    what: str,
    name: str,
    *,
    system: str | None,
    language: str,
    stores: tuple[str, ...],
    events: str,
    topic: str,
    broker: str,
    calls: tuple[str, ...],
    port: int | None,
    owner: str,
    description: str,
    as_json: bool,
) -> None:
    """Make the service NAME: its code, and its place in the system's tarmac.yaml.

    The code has an API, health, metrics, logs with trace ids, tests and a Dockerfile; the system's
    file gets its edges, stores and objectives. Nothing that exists is written over, and what is
    wrong is said before anything is written.

    Example: tarmac new service orders --language go --store postgres
    """
    from tarmac.change.create import service, sources
    from tarmac.change.create.choices import Choices

    del what
    chosen = Choices(
        name,
        tuple(store for store in stores if store != "none"),
        events,
        broker,
        calls,
        topic,
        port,
        owner,
        description,
    )
    source = f"{language}-http"
    new = service.make(_project.find(system), chosen, sources.own(source), source)
    service.write(new)
    if as_json:
        _project.print_json(_new.as_data(new))
    else:
        _new.show(new)
