"""`tarmac new`: make a service or a system that runs, and keep up with its template."""

from __future__ import annotations

import click
from click.core import ParameterSource

from tarmac.cli.parts import new, project

SECTION = "Change"


@click.command("new", short_help="Make a service or a system that builds, runs and is observed.")
@click.argument("what", type=click.Choice(("service", "system", "update")))
@click.argument("name")
@click.option("--system", help="The system of a service; default: the tarmac.yaml here or above.")
@click.option(
    "--language",
    type=click.Choice(new.LANGUAGES),
    default="python",
    show_default=True,
    help="The language of the code.",
)
@click.option(
    "--api",
    type=click.Choice(new.APIS),
    default="http",
    show_default=True,
    help="How others ask it.",
)
@click.option("--template", metavar="SOURCE", help="Use a folder or URL[@REV] as the template.")
@click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="KIND",
    help="Keep data in postgres, mongodb or redis; redis beside another one is its cache.",
)
@click.option(
    "--events",
    type=click.Choice(("none", "publishes", "consumes")),
    default="none",
    show_default=True,
    help="Give a service a topic.",
)
@click.option("--topic", default="", help="Name the topic of the events; default: NAME.changed.")
@click.option(
    "--broker",
    metavar="KIND",
    default="",
    help="Add nats or rabbitmq to a system without a broker; default: nats.",
)
@click.option("--calls", multiple=True, metavar="SERVICE", help="Let it call another service.")
@click.option("--port", type=click.IntRange(1024, 65535), help="Set its port; default: a new one.")
@click.option("--owner", default="", help="Name its team; default: the system's owner.")
@click.option("--description", default="", help="Say what it is for, in one line.")
@click.option(
    "--like",
    metavar="SYSTEM",
    default="",
    help="Begin with shop, travel, trading, hello-dd or starter, their code included.",
)
@click.option("--yes", is_flag=True, help="Take the defaults of a system without asking.")
@click.option("--write", is_flag=True, help="Apply the patch of an update.")
@project.json_option
def VERB(
    what: str,
    name: str,
    *,
    system: str | None,
    language: str,
    api: str,
    template: str | None,
    stores: tuple[str, ...],
    events: str,
    topic: str,
    broker: str,
    calls: tuple[str, ...],
    port: int | None,
    owner: str,
    description: str,
    like: str,
    yes: bool,
    write: bool,
    as_json: bool,
) -> None:
    """Make the service or the system NAME, or update the service NAME from its template.

    A service has an API, health, metrics, logs with trace ids, tests and a Dockerfile; the system's
    file gets its edges, stores and objectives. A system is a folder with two services, a store, a
    broker and a page, or with --like one that ships with Tarmac, its code included. Nothing that
    exists is written over, and what is wrong is said before anything is written.

    An update prints a patch: what the template has changed since. What you changed stays; what does
    not fit is told, with exit code 1.

    Example: tarmac new service orders --language go --store postgres
    """
    wanted = tuple(store for store in stores if store != "none")
    if like:
        _refuse_beside_like(what)
        new.like(name, like, owner, as_json=as_json)
    elif what == "system":
        new.system(name, language, wanted, broker, owner, asks=not yes, as_json=as_json)
    elif what == "update":
        new.update(project.find(system), name, write=write, as_json=as_json)
    else:
        from tarmac.change.create.choices import Choices

        chosen = Choices(name, wanted, events, broker, calls, topic, port, owner, description)
        source = template or new.own(language, api)
        new.service(project.find(system), chosen, source, as_json=as_json)


def _refuse_beside_like(what: str) -> None:
    """Refuse what an example has already. Raises click.UsageError."""
    if what != "system":
        raise click.UsageError("--like is for `tarmac new system`")
    context = click.get_current_context()
    taken = ("like", "owner", "yes", "as_json", "what", "name")
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name not in taken and source is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{parameter.opts[0]} is not for --like: the example has its own"
            )
