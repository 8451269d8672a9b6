"""Ports of the host that services of Compose files publish."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Path, dig, fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.files import ComposeFiles
from tarmac.check.gates.views.compose.services import ComposeService

_OUTER = re.compile(r"(?:([\d.]+|\[[\da-f:]+\]):)?(\d+)(?:-(\d+))?:\d+(-\d+)?(?:/((?i:tcp|udp)))?")
_MAPPED = re.compile(r"([\d.]+:|\[[\da-f:]+\]:|[\w.-]+:)?(\d+(-\d+)?:)?\d+(-\d+)?(/(?i:tcp|udp))?")
#: Addresses of the host that are all of its addresses.
_EVERY = ("", "0.0.0.0", "[::]")  # read, and not listened on
_MOST_PORTS = 1000
#: What the name of a service has behind that of its twin, which is for another purpose.
_TWIN = re.compile(r"[-_.](dev(el(opment)?)?|prod(uction)?|local|debug|watch)")


def asked_twice(beside: ComposeFiles) -> Iterator[Finding]:
    """Yield ports of the host that two services of one file ask for."""
    first: dict[tuple[object, ...], list[tuple[str, ComposeService]]] = {}
    for service in beside.services:
        for number, entry in enumerate(listed(dig(service.data, "ports"))):
            for address, port, protocol in outer_ports(entry):
                seen = first.setdefault((id(service.artifact), port, protocol), [])
                other = next((one for at, one in seen if _is_same(at, address)), service)
                seen.append((address, service))
                # Of services with profiles only some are started.
                may_be_apart = any("profiles" in fields(one.data) for one in (service, other))
                if other is not service and not may_be_apart:
                    what = f"service {service.name} asks for port {port} of the host, which"
                    advice = "only one of them starts; publish another one"
                    where = service.at("ports", number)
                    said = f"{what} {other.name} has: {advice}"
                    yield Finding(where, said, warning=_is_choice(service, other, beside))
                    break


def _is_choice(one: ComposeService, other: ComposeService, beside: ComposeFiles) -> bool:
    """Tell whether two are one program, set up in two ways, of which one is started by its name."""
    short, long = sorted((one.name, other.name), key=len)
    if _TWIN.fullmatch(long.removeprefix(short)):
        return True
    # Docker has one container of a name at a time.
    called = dig(one.data, "container_name")
    if called and called == dig(other.data, "container_name"):
        return True
    if one.name in _aliases(other) or other.name in _aliases(one):
        return True
    waited = {name for service in beside.services for name in service.waited_for}
    return _made(one) == _made(other) and not {one.name, other.name} & waited


def _aliases(service: ComposeService) -> set[str]:
    """List the other names by which networks know a service: it stands in for these."""
    given = fields(service.data, "networks").values()
    return {str(alias) for own in given for alias in items(own, "aliases")}


def _made(service: ComposeService) -> object:
    """Tell what a service is made of: another stage or argument is another way to set it up."""
    return service.dockerfile or dig(service.data, "image")


def _is_same(one: str, other: str) -> bool:
    return one == other or one in _EVERY or other in _EVERY


def outer_ports(entry: Any) -> list[tuple[str, str, str]]:
    """List the ports of the host that an entry publishes: address, port, protocol."""
    if isinstance(entry, Mapping):
        outer = str(entry.get("published") or "")
        address, protocol = str(entry.get("host_ip") or ""), str(entry.get("protocol") or "tcp")
        return [(address, outer, protocol)] if outer.isdecimal() else []
    found = _OUTER.fullmatch(str(entry))
    # Of a range for one port, Docker takes any that is free.
    if found is None or (found[3] and not found[4]):
        return []
    begin, end = int(found[2]), int(found[3] or found[2])
    ports = range(begin, min(end, begin + _MOST_PORTS) + 1)
    return [(found[1] or "", str(port), (found[5] or "tcp").lower()) for port in ports]


def unmapped(service: ComposeService) -> Iterator[tuple[Path, str]]:
    """Yield entries of a service's ports that map no ports."""
    given = dig(service.data, "ports")
    for number, entry in enumerate(given if isinstance(given, list) else ()):
        if isinstance(entry, str) and "$" not in entry and not _MAPPED.fullmatch(entry):
            what = f"has the port {entry!r}, which is not a mapping of ports"
            yield ("ports", number), f"{what}; write HOST:CONTAINER"
