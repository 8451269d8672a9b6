"""A proxy in a container hands requests on to other containers, and not to itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.lookups import heard
from tarmac.check.gates.views.compose.mounted_files import mounted_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_IMAGE = re.compile(r"([\w.-]+/)*(nginx|envoy|haproxy|openresty|nginx-unprivileged)(:.*|@.*)?")
_SELF = r"(?:localhost|127\.0\.0\.1)"
#: Where a line of such a proxy hands on to its own container.
_HANDS_ON = re.compile(rf"\b(?:proxy_pass\s+https?://|server\s+(?:\S+\s+)?){_SELF}:(\d+)\b")
_LISTENS = re.compile(r"^[ \t]*(?:listen|bind)\s+(?:\S*:)?(\d+)\b", re.MULTILINE)
#: A port of a server that a command says, as the usual ones do.
_PORT = re.compile(r"(?:--port|-p|--bind|-b)[= ](?:[\w.]*:)?(\d{2,5})\b|\b0\.0\.0\.0:(\d{2,5})\b")
_ONE_LINE = re.compile(r"[ \t]*#.*")


class Proxy(NamedTuple):
    """A service that is a proxy, a configuration of it, and the other services."""

    service: ComposeService
    configuration: Artifact
    others: tuple[ComposeService, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield proxies that look in their own container for what is in another one."""
    for proxy in _proxies(files):
        listens = {int(one) for one in _LISTENS.findall(_text(proxy.configuration))}
        for where, port in _asked(proxy.configuration):
            there = [one.name for one in proxy.others if port in _ports(one)]
            if there and port not in listens | {*proxy.service.ports}:
                what = f"service {proxy.service.name} hands requests on to localhost:{port}, which"
                said = f"{what} is its own container, and nothing listens there"
                yield Finding(where, f"{said}; write {there[0]}:{port}")


def _text(artifact: Artifact) -> str:
    return artifact.content if isinstance(artifact.content, str) else ""


def _asked(artifact: Artifact) -> Iterator[tuple[str, int]]:
    """Yield where a configuration hands on to its own host, and the port."""
    for number, line in enumerate(_text(artifact).splitlines(), 1):
        if not _ONE_LINE.fullmatch(line):
            for port in _HANDS_ON.findall(line):
                yield f"{artifact.path}:{number}", int(port)
    if isinstance(artifact.content, Mapping):
        clusters = dig(artifact.content, "static_resources", "clusters")
        for path, text in places(clusters, ("static_resources", "clusters")):
            port = dig(artifact.content, *path[:-1], "port_value")
            is_own = path[-1] == "address" and re.fullmatch(_SELF, text) is not None
            if is_own and isinstance(port, int):
                yield artifact.at(*path), port


def _ports(service: ComposeService) -> set[int]:
    """List the ports at which a service listens, as its image and its command say."""
    told = " ".join([*words(service, "entrypoint"), *words(service)])
    found = {int(one or other) for one, other in _PORT.findall(told)}
    return found or heard(service)


@once
def _proxies(files: Files) -> Iterator[Proxy]:
    by_path = {one.path: one for one in files.artifacts}
    for beside in compose_files(files):
        for service in beside.services:
            is_proxy = _IMAGE.fullmatch(service.image or "") is not None
            if is_proxy and not dig(service.data, "network_mode"):
                others = tuple(one for one in beside.services if _is_apart(one, service))
                yield from (Proxy(service, one, others) for one in _read(service, beside, by_path))


def _read(
    service: ComposeService, beside: ComposeFiles, by_path: Mapping[str, Artifact]
) -> Iterator[Artifact]:
    for path, _ in mounted_files(service, beside):
        if path in by_path:
            yield by_path[path]


def _is_apart(other: ComposeService, service: ComposeService) -> bool:
    """Tell whether another service has a network of its own, and not that of the proxy."""
    return other is not service and not dig(other.data, "network_mode")


GATE = Gate(
    id="IMG065",
    title="A proxy in a container hands requests on to other containers",
    phase="containers",
    source="https://docs.docker.com/compose/how-tos/networking: services reach each other by their "
    "names; localhost is the container itself",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("configurations of proxies", _proxies),
    targets=("compose",),
    reads="configurations of nginx, HAProxy and Envoy that Compose services mount as single "
    "files, beside the ports at which the other services listen by their image or command.",
)
