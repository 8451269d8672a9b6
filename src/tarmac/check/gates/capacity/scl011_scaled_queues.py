"""An autoscaler asks for a queue in the virtual host from which its workers take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.given_texts import GivenText, GivenTexts, given_texts
from tarmac.check.gates.views.pods.pods import RUNNING, pods
from tarmac.check.gates.views.scope import counted_in_files

_DEFAULT = "/"
#: An address of RabbitMQ: its host, and the virtual host behind it.
_URL = re.compile(r"(?:amqps?|https?)://(?:.*@)?([\w.-]+)(?::\d+)?(?:/([^?#\s]*))?(?:[?#].*)?")
_AMQP = re.compile(r"amqps?://")
#: What is filled in by another program.
_FILLED = re.compile(r"\{\{|\$[({]|<\w")


class QueueTrigger(NamedTuple):
    """What an autoscaler asks RabbitMQ."""

    artifact: Artifact
    number: int
    data: Fields

    @property
    def queue(self) -> str:
        """The queue that it counts."""
        return string(self.data, "metadata", "queueName")


class VirtualHost(NamedTuple):
    """A virtual host of a server."""

    server: str
    name: str


def check(files: Files) -> Iterator[Finding]:
    """Yield triggers that ask for a queue in another virtual host than their workers."""
    found = list(_triggers(files))
    if not found:
        return
    given = given_texts(files)
    used = _used(files)
    held = {(space_of(one), name_of(one)): one for one in files.objects("TriggerAuthentication")}
    for one in found:
        space = space_of(one.artifact)
        name = string(one.artifact.data, "spec", "scaleTargetRef", "name")
        texts = used.get((space, name), {})
        told = _told(one, texts, given, held)
        asked = _virtual_host(told.text) if told is not None else None
        own = {place for text in texts.values() if (place := _amqp(text.text)) is not None}
        if told is None or asked is None or not own:
            continue
        other = string(one.data, "metadata", "vhostName")
        asked = asked._replace(name=unquote(other)) if other else asked
        if asked in own or {place.server for place in own} != {asked.server}:
            continue
        names = " and ".join(sorted(f'"{place.name}"' for place in own))
        what = (
            f'{title(one.artifact)} counts the queue {one.queue} in the virtual host "{asked.name}"'
        )
        said = f"{what} of {asked.server}, and {name} takes from {names}: it is not scaled"
        where = one.artifact.at("spec", "triggers", one.number) if other else told.where
        yield Finding(where, f"{said}; write the same one")


@once
def _triggers(files: Files) -> Iterator[QueueTrigger]:
    for artifact in files.objects("ScaledObject"):
        for number, one in numbered(artifact.data, "spec", "triggers"):
            if one.get("type") == "rabbitmq":
                yield QueueTrigger(artifact, number, one)


def _used(files: Files) -> dict[tuple[str, str], dict[str, GivenText]]:
    """Find the texts of each workload's variables."""
    found: dict[tuple[str, str], dict[str, GivenText]] = {}
    for own in pods(files, *RUNNING):
        space = space_of(own.artifact)
        for container in own.main_containers:
            found.setdefault((space, own.name), {}).update(own.variables.of(container))
    return found


def _told(
    one: QueueTrigger,
    texts: dict[str, GivenText],
    given: GivenTexts,
    held: dict[tuple[str, str], Artifact],
) -> GivenText | None:
    """Find the address that a trigger asks: its own, that of a variable, or of a Secret."""
    space, settings = space_of(one.artifact), fields(one.data, "metadata")
    if host := string(settings, "host"):
        return GivenText(host, one.artifact.at("spec", "triggers", one.number))
    if name := string(settings, "hostFromEnv"):
        return texts.get(name)
    login = held.get((space, string(one.data, "authenticationRef", "name")))
    for entry in items(login.data, "spec", "secretTargetRef") if login is not None else ():
        if string(entry, "parameter") == "host":
            return given.of("Secret", space, string(entry, "name"), string(entry, "key"))
    return None


def _amqp(text: str) -> VirtualHost | None:
    return _virtual_host(text) if _AMQP.match(text) else None


def _virtual_host(text: str) -> VirtualHost | None:
    """Read an address; None where its host or virtual host is filled in."""
    found = _URL.fullmatch(text.strip())
    if found is None or _FILLED.search(found[1]) or _FILLED.search(found[2] or ""):
        return None
    return VirtualHost(found[1], unquote(found[2] or "") or _DEFAULT)


GATE = Gate(
    id="SCL011",
    title="An autoscaler counts the queue from which its workers take",
    phase="kubernetes",
    source="https://keda.sh/docs/latest/scalers/rabbitmq-queue: the virtual host is the path of "
    "the address, and / without one; vhostName is another",
    check=check,
    of_files=check,
    scope=counted_in_files("triggers of RabbitMQ", _triggers),
    targets=(),
    reads="triggers rabbitmq of ScaledObjects, their address in it, in a variable or in a Secret "
    "that is here or made by an ExternalSecret, beside the addresses of the workload's variables. "
    "Judges files without a plan only.",
)
