"""A service is asked for at the port on which it listens, and not at one of the host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: How a variable with a host ends, and the one with its port.
_ENDS = {"HOST": "PORT", "HOSTNAME": "PORT", "SERVER": "PORT", "ADDR": "PORT", "host": "port"}
_PUBLISHED = re.compile(r"(?:[\d.]+:)?(\d+):(\d+)(?:/\w+)?")


class AskedPort(NamedTuple):
    """A port by which a service asks for another one, in a variable of its own."""

    service: ComposeService
    variable: str
    other: ComposeService
    port: int


def check(files: Files) -> Iterator[Finding]:
    """Yield ports of the host that are asked inside of the network."""
    for one in _asked(files):
        published = dict(_published(one.other))
        inside = published.get(one.port)
        is_inside = one.port in published.values() or one.port in _exposed(one.other)
        if inside is not None and not is_inside:
            what = f"service {one.service.name} asks for {one.other.name} at {one.port}, which is"
            said = f"{what} its port on the host: in their network it listens at {inside}"
            where = one.service.at("environment", one.variable)
            yield Finding(where, f"{said}; write {inside}")


@once
def _asked(files: Files) -> Iterator[AskedPort]:
    for beside in compose_files(files):
        others = {one.name: one for one in beside.services}
        for service in beside.services:
            if dig(service.data, "network_mode") is None:
                yield from _of_service(service, others)


def _of_service(
    service: ComposeService, others: Mapping[str, ComposeService]
) -> Iterator[AskedPort]:
    given = service.environment
    for name, host in given.items():
        for end, of_port in _ENDS.items():
            other = others.get(host.strip())
            variable = f"{name.removesuffix(end)}{of_port}"
            port = given.get(variable, "").strip()
            is_pair = name.endswith(end) and port.isdecimal()
            if is_pair and other is not None and other.name != service.name:
                yield AskedPort(service, variable, other, int(port))


def _published(service: ComposeService) -> Iterator[tuple[int, int]]:
    for entry in listed(dig(service.data, "ports")):
        if isinstance(entry, Mapping):
            pair = str(entry.get("published")), str(entry.get("target"))
        else:
            found = _PUBLISHED.fullmatch(str(entry))
            pair = (found[1], found[2]) if found else ("", "")
        if pair[0].isdecimal() and pair[1].isdecimal():
            yield int(pair[0]), int(pair[1])


def _exposed(service: ComposeService) -> set[int]:
    """List where it says itself that it listens."""
    told = [*map(str, listed(dig(service.data, "expose"))), *service.environment.values()]
    return {int(one) for text in told for one in re.findall(r"\b\d{2,5}\b", text)}


GATE = Gate(
    id="IMG117",
    title="A service is asked for at the port on which it listens",
    phase="containers",
    source="https://docs.docker.com/compose/how-tos/networking: services talk to each other by the "
    "port of the container, and the one of the host is for what is outside",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("ports that services ask for", _asked),
    targets=("compose",),
    reads="pairs of variables as DB_HOST and DB_PORT beside `ports` of the service that is named. "
    "A port that the other one exposes, or has in a variable, is taken for its own.",
)
