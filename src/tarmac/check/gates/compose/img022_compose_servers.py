"""What Compose does with services as a whole: networks, ends, copies and checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.foreign.reading import dig, fields, items, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_OF_HOST = "host.docker.internal"
#: What Docker sets up for a network of the container's own.
_OF_NETWORK = ("ports", "hostname", "dns", "extra_hosts", "links")
_FOR_EVER = ("always", "unless-stopped")
_BROKER = re.compile(r"(.*/)?(cp-)?(kafka|cp-server|redpanda)(:.*|@.*)?")
_FACTORS = (
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR",
    "KAFKA_DEFAULT_REPLICATION_FACTOR",
    "KAFKA_CFG_OFFSETS_TOPIC_REPLICATION_FACTOR",
)


def check(files: Files) -> Iterator[Finding]:
    """Yield ports that lead nowhere, tasks without an end, and copies and checks that fail."""
    for beside in compose_files(files):
        for service in beside.services:
            for judge in (_network, _joined, _host, _end, _copies, _health, _console):
                for place, what, warning in judge(service, beside):
                    said = f"service {service.name} {what}"
                    yield Finding(service.at(*place), said, warning=warning)


Fault = tuple[tuple[str, ...], str, bool]


def _network(service: ComposeService, _: ComposeFiles) -> Iterator[Fault]:
    if dig(service.data, "network_mode") == "host" and items(service.data, "ports"):
        what = "is in the host's own network, where `ports` lead nowhere: it is reached where it"
        yield ("ports",), f"{what} listens; remove `ports`, or network_mode", True


def _joined(service: ComposeService, _: ComposeFiles) -> Iterator[Fault]:
    """Yield what a service says of a network that is another one's."""
    mode = str(dig(service.data, "network_mode") or "")
    of = mode.partition(":")[2]
    if mode.startswith(("service:", "container:")) and "$" not in mode:
        for key in (key for key in _OF_NETWORK if dig(service.data, key)):
            what = f"has its network from {of} and `{key}` of its own, which Docker refuses"
            yield (key,), f"{what}; write `{key}` for {of}", False
    if mode and dig(service.data, "networks"):
        what = "has network_mode and `networks`, which Compose refuses"
        yield ("networks",), f"{what}; remove one of them", False


def _host(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    same = [one.data for one in beside.services if one.name == service.name]
    known = str([dig(one, key) for one in same for key in ("extra_hosts", "network_mode")])
    for key in ("environment", "command"):
        of = service.texts if key == "environment" else places(dig(service.data, key))
        texts = [text for _, text in of if _OF_HOST in text]
        if texts and "host" not in known:
            what = f"calls {_OF_HOST}, which Docker on Linux does not know; write extra_hosts:"
            yield (key,), f'{what} ["{_OF_HOST}:host-gateway"]', True
            return


def _end(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    restart = dig(service.data, "restart")
    if restart not in _FOR_EVER:
        return
    for other in beside.services:
        how = fields(other.waited_for.get(service.name))
        if how.get("condition") == "service_completed_successfully":
            what = f"is to end before {other.name} starts, and restart: {restart} starts it again"
            yield ("restart",), f"{what} each time; write on-failure", False
            return


def _copies(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    if not _BROKER.fullmatch(service.image or "") or not beside.is_whole:
        return
    brokers = len({one.name for one in beside.services if _BROKER.fullmatch(one.image or "")})
    for name in _FACTORS:
        asked = service.environment.get(name, "")
        if asked.isdecimal() and int(asked) > brokers:
            what = f"asks for {asked} copies of a topic ({name}), and there is 1 broker"
            what = what.replace("is 1 broker", f"are {brokers} brokers") if brokers > 1 else what
            yield ("environment", name), f"{what}: the topic is never made; write {brokers}", False


def _health(service: ComposeService, _: ComposeFiles) -> Iterator[Fault]:
    test = dig(service.data, "healthcheck", "test")
    words = [str(word) for word in test] if isinstance(test, list) else str(test or "").split()
    if isinstance(test, list) and words[:1] == ["CMD-SHELL"]:
        words = " ".join(words[1:]).split()
    program = next((word for word in words if word not in ("CMD", "CMD-SHELL")), "")
    if "||" in words and words[words.index("||") + 1 :][:1] not in (["exit"], ["false"], ["kill"]):
        return  # another program is tried after it
    told = f"{dig(service.data, 'command')} {dig(service.data, 'entrypoint')}"
    for base in published("bases")["lacks"]:
        is_base = re.fullmatch(base["image"], service.image or "")
        if is_base and program in base["programs"] and program not in told:
            what = f"is checked by {program}, which {service.image} does not have, so it is"
            yield ("healthcheck",), f"{what} unhealthy for ever; ask by what it has", False
            return


def _console(service: ComposeService, _: ComposeFiles) -> Iterator[Fault]:
    """Yield a port that is published for a page whose server chooses another at each start."""
    for known in published("consoles")["images"]:
        words = " ".join(text for _, text in places(dig(service.data, "command")))
        is_it = re.fullmatch(known["image"], service.image or "") and known["command"] in words
        told = known["option"] in words or known["variable"] in service.environment
        asked = any(
            re.search(rf"(^|:){known['port']}(/tcp)?$", str(one)) or one == known["port"]
            for entry in service.ports
            for one in ((entry.get("target"),) if isinstance(entry, Mapping) else (entry,))
        )
        if is_it and asked and not told and not dig(service.data, "entrypoint"):
            what = f"publishes {known['port']} for its console, and without {known['option']} that"
            yield ("ports",), f"{what} is at another port each time; add it to the command", False


def _judged(files: Files) -> Iterator[object]:
    for beside in compose_files(files):
        yield from (one for one in beside.services if isinstance(one.data, Mapping))


GATE = Gate(
    id="IMG022",
    title="Services of Compose are reached, end, are copied and checked as their file says",
    phase="containers",
    source="https://docs.docker.com/reference/compose-file/services; Kafka makes no topic with "
    "more copies than it has brokers",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services", _judged),
    targets=("compose",),
    reads="network_mode, restart, depends_on, Kafka's variables and healthcheck of services; "
    "checks by programs that the plain bases of assets/published.yaml lack.",
)
