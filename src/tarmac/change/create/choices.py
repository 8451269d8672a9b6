"""What the user chose for a new service, checked, and the values of its template. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.change.create.placeholders import Values
from tarmac.change.create.template import TemplateFile
from tarmac.model.system import System
from tarmac.model.value import NAME, TOPIC

#: Words that need no quotes in YAML, TOML, JSON, XML and source code alike.
PLAIN = re.compile(r"[A-Za-z0-9@][A-Za-z0-9 @.,()/+_-]{0,79}")
#: The first port of a new service: below are those that systems usually give their first ones.
FIRST_PORT = 7001


@dataclass(frozen=True)
class Choices:
    """What a new service is to have."""

    name: str
    stores: tuple[str, ...] = ()
    events: str = "none"
    #: "": the system's, or the template's first one in a system that has none.
    broker: str = ""
    calls: tuple[str, ...] = ()
    topic: str = ""
    port: int | None = None
    owner: str = ""
    description: str = ""


def values(choices: Choices, system: System, data: TemplateFile) -> Values:
    """Return the values of a template.

    Args:
        data: what the template offers.

    Raises:
        BadInput: every choice that is wrong: no DNS label, a name or a port that is taken, a
            service that is not there, a store that the template has no files for.
    """
    problems = [*_names(choices, system), *_stores(choices, data), *_texts(choices)]
    taken = {port for spec in system.file.services.values() for port in spec.listening.values()}
    if choices.port in taken:
        problems.append(Problem("--port", f"{choices.port} is taken in the system; choose another"))
    broker = _broker(choices, system, data, problems)
    package = choices.name.replace("-", "_")
    topic = choices.topic or f"{package}.changed"
    if choices.events == "consumes":
        topic = _consumed(choices.topic, system, problems)
    if problems:
        raise BadInput(problems)
    main = [kind for kind in choices.stores if kind not in data.caches]
    store = next(iter((*main, *choices.stores)), "none")
    port = choices.port or max([FIRST_PORT - 1, *taken]) + 1
    used = {*choices.stores, broker}
    return {
        "name": choices.name,
        "package": package,
        "description": choices.description or f"The service {choices.name}.",
        "owner": choices.owner or system.file.owner or "its team",
        "system": system.file.system,
        "port": str(port),
        "metrics_port": str(next(number for number in count(port + 1) if number not in taken)),
        "topic": topic,
        "store": store,
        "broker": broker,
        "calls": ", ".join(choices.calls),
        "call_urls": "\n      ".join(
            f"{_variable(name)}: ${{services.{name}.url}}" for name in choices.calls
        ),
        **{kind: kind in used for kind in (*data.stores, *data.brokers) if kind != "none"},
        "cache": len(choices.stores) > 1,
        "publishes": choices.events == "publishes",
        "consumes": choices.events == "consumes",
    }


def _variable(service: str) -> str:
    return f"{service.upper().replace('-', '_')}_URL"


def check_name(name: str) -> list[Problem]:
    """Return what is wrong with a name: services and systems are DNS labels."""
    if re.fullmatch(NAME, name):
        return []
    what = "a name has a-z, 0-9 and -, begins with a letter, and has at most 40 characters"
    return [Problem(name or "NAME", f"no DNS label; {what}")]


def _names(choices: Choices, system: System) -> list[Problem]:
    known = system.file.services
    problems = check_name(choices.name)
    others = (("services", known), ("stores", system.file.stores))
    for section, entries in others:
        if choices.name in entries:
            place = system.locate((section, choices.name), key=True)
            what = f"the name '{choices.name}' is taken here; choose another"
            problems.append(Problem(str(place), what))
    problems += [
        Problem("--calls", f"no such service '{name}'; {did_you_mean(name, known)}")
        for name in choices.calls
        if name not in known
    ]
    return problems


def _stores(choices: Choices, data: TemplateFile) -> Iterator[Problem]:
    for kind in choices.stores:
        if kind not in data.stores:
            what = f"the template has no files for '{kind}'; {did_you_mean(kind, data.stores)}"
            yield Problem("--store", what)
    main = [kind for kind in choices.stores if kind not in data.caches]
    if len(main) > 1 or len(set(choices.stores)) < len(choices.stores):
        named = " and ".join(choices.stores)
        beside = ", ".join(data.caches) or "none"
        yield Problem("--store", f"{named}; name one, and one beside it as its cache ({beside})")


def _texts(choices: Choices) -> list[Problem]:
    problems = []
    for option, text in (("--owner", choices.owner), ("--description", choices.description)):
        if text and not PLAIN.fullmatch(text):
            what = (
                "at most 80 letters, digits, spaces and @.,()/+_-; begin with a letter or a digit"
            )
            problems.append(Problem(option, f"'{text[:80]}': write {what}"))
    if choices.topic and choices.events == "none":
        what = "a topic without events; add `--events publishes` or `--events consumes`"
        problems.append(Problem("--topic", what))
    if choices.topic and not re.fullmatch(TOPIC, choices.topic):
        what = f"'{choices.topic[:80]}' is not a topic; write words with dots, e.g. order.placed"
        problems.append(Problem("--topic", what))
    return problems


def _consumed(topic: str, system: System, problems: list[Problem]) -> str:
    """Choose what it consumes: the topic that is named, or the only one that is published."""
    published = sorted({one for spec in system.file.services.values() for one in spec.publishes})
    if topic in published or (not topic and len(published) == 1):
        return topic or published[0]
    if not published:
        what = "no service of the system publishes a topic; make the one that does first"
        problems.append(Problem("--events", what))
    elif topic:
        what = f"no service publishes '{topic[:80]}'; {did_you_mean(topic, published)}"
        problems.append(Problem("--topic", what))
    else:
        what = f"several topics are published; name one: {', '.join(published)}"
        problems.append(Problem("--events", what))
    return topic


def _elsewhere(system: System, broker: str) -> Iterator[Problem]:
    """Tell of an environment with another broker: the service speaks to one kind only."""
    for name, environment in system.file.environments.items():
        other = environment.broker.kind if environment.broker else broker
        if other != broker:
            place = str(system.locate(("environments", name, "broker")))
            what = f"{name} runs {other}, and the new service would speak to {broker} only"
            yield Problem(place, f"{what}; give the system one broker, or leave out `--events`")


def _broker(choices: Choices, system: System, data: TemplateFile, problems: list[Problem]) -> str:
    if choices.events == "none":
        return "none"
    own = system.file.broker.kind if system.file.broker else ""
    broker = own or choices.broker or next(iter(data.brokers), "none")
    if choices.broker not in ("", broker):
        place = str(system.locate(("broker",)))
        what = f"the system's broker is {own}; leave out `--broker {choices.broker}`"
        problems.append(Problem(place, what))
    elif broker not in data.brokers:
        what = f"the template has no files for '{broker}'; it has some for "
        problems.append(Problem("--broker", what + (", ".join(data.brokers) or "none")))
    problems += _elsewhere(system, broker)
    return broker
