"""Hosts that pods are told in addresses, with their namespaces and ports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, items
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import space_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.given_texts import GivenText
from tarmac.check.gates.views.pods.pods import Pods, pods

_LABEL = r"[a-z](?:[a-z0-9-]*[a-z0-9])?"
_SPACE = rf"(?:\.({_LABEL})(?:\.svc(?:\.cluster\.local)?)?)?"
#: A host in an address, and one with its port that is a text or an item of a list.
_ADDRESS = re.compile(
    rf"\b([a-z][a-z0-9+.-]*)://(?:[^@/\s]*@)?({_LABEL}){_SPACE}(?::(\d+))?(?=[/?,\s\"']|$)"
)
_HOST = re.compile(rf"(?:^|,)\s*({_LABEL}){_SPACE}:(\d+)(?=\s*(?:,|$))")
_NAME = re.compile(rf"({_LABEL}){_SPACE}")
#: The end of a variable's name that gives a host.
_HOST_KEY = re.compile(r"(?:HOST(?:NAME)?|host(?:name)?|Host)$")
#: Of a scheme, where no port is written.
_PORTS = {"http": 80, "https": 443}


class AskedHost(NamedTuple):
    """A host that a pod is told."""

    own: Pods
    where: str
    name: str
    #: Empty: that of the pod.
    space: str
    port: int | None
    #: The port is written, and not that of the scheme.
    is_written: bool = True


@once
def asked_hosts(files: Files) -> Iterator[AskedHost]:
    """Yield the hosts in variables, ConfigMaps and arguments of pods."""
    for own in pods(files):
        has_names = items(own.spec.data, "hostAliases") or dig(own.spec.data, "dnsConfig")
        if is_mark(space_of(own.artifact)) or has_names:
            continue
        for container in own.containers:
            variables = own.variables.of(container)
            for given in variables.values():
                yield from _in(own, given.where, given.text)
            yield from _beside_ports(own, variables)
            key = "args" if container.arguments else "command"
            for word in container.words:
                yield from _in(own, container.at(key), word)


def _in(own: Pods, where: str, text: str) -> Iterator[AskedHost]:
    for scheme, name, space, port in _ADDRESS.findall(text):
        number = int(port) if port else _PORTS.get(scheme)
        yield AskedHost(own, where, name, space, number, bool(port))
    for name, space, port in _HOST.findall(text):
        yield AskedHost(own, where, name, space, int(port))


def _beside_ports(own: Pods, variables: Mapping[str, GivenText]) -> Iterator[AskedHost]:
    """Yield hosts whose port is in a variable of its own: DB_HOST and DB_PORT."""
    for key, given in variables.items():
        begin = _HOST_KEY.sub("", key)
        ports = (variables.get(f"{begin}{end}") for end in ("PORT", "port", "Port"))
        port = next((one for one in ports if one and one.text.isdecimal()), None)
        name = _NAME.fullmatch(given.text)
        if begin != key and port and name:
            yield AskedHost(own, port.where, name[1], name[2] or "", int(port.text))
