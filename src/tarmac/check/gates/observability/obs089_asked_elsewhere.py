"""What a program of monitoring asks is in another container, and not in its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.lookups import heard
from tarmac.check.gates.views.compose.seen_files import seen_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_SELF = re.compile(r"(?:\w+://)?(?:[^\s/@]*@)?(?:localhost|127\.0\.0\.1):(\d+)(?:[/?].*)?")


class AskedAddress(NamedTuple):
    """An address in a configuration, and the service that reads it."""

    service: ComposeService
    artifact: Artifact
    path: Path
    port: int
    #: Which of the other services listen at the port.
    there: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield addresses of a container's own host at which another one listens."""
    told = set[str]()
    for one in _asked(files):
        where = one.artifact.at(*one.path)
        if one.there and where not in told:
            told.add(where)
            what = f"service {one.service.name} asks localhost:{one.port}, which is its own"
            said = f"{what} container, and {one.there[0]} listens there; write"
            yield Finding(where, f"{said} {one.there[0]}:{one.port}")


@once
def _asked(files: Files) -> Iterator[AskedAddress]:
    for beside in compose_files(files):
        for service in beside.services:
            places_of = _places(service)
            if places_of and not dig(service.data, "network_mode"):
                yield from _in(files, service, beside, places_of)


def _in(
    files: Files, service: ComposeService, beside: ComposeFiles, asking: list[re.Pattern[str]]
) -> Iterator[AskedAddress]:
    others = [one for one in beside.services if one.name != service.name]
    for artifact, _ in seen_files(files, service, beside):
        if "kind" in artifact.data:
            continue
        for path, text in places(artifact.data):
            found = _SELF.fullmatch(text)
            dotted = ".".join("-" if isinstance(one, int) else str(one) for one in path)
            is_asked = any(one.fullmatch(dotted) for one in asking)
            if found and is_asked and not _is_browsers(artifact, path):
                port = int(found[1])
                there = [
                    one.name
                    for one in others
                    if port in _ports(one) and dig(one.data, "network_mode") is None
                ]
                is_own = port in _ports(service) | _listens(artifact)
                yield AskedAddress(service, artifact, path, port, () if is_own else tuple(there))


def _ports(service: ComposeService) -> set[int]:
    """List the ports at which a service listens, as far as its image and its file say."""
    known = published("asked_addresses")["listens"]
    return heard(service) | {
        port
        for one in known
        if re.fullmatch(one["image"], service.image or "")
        for port in one["ports"]
    }


def _is_browsers(artifact: Artifact, path: Path) -> bool:
    """Tell whether a browser asks a data source, and not Grafana."""
    return dig(artifact.data, *path[:-1], "access") in ("direct", "browser")


def _listens(artifact: Artifact) -> set[int]:
    """List the ports that a configuration itself gives its program to listen at."""
    found = set[int]()
    for path, text in places(artifact.data):
        is_server = any(str(one) in ("server", "receivers", "extensions") for one in path)
        if is_server and (port := re.search(r"(\d+)$", text)):
            found.add(int(port[1]))
    return found


def _places(service: ComposeService) -> list[re.Pattern[str]]:
    """List where the configurations of a service's program have what it asks."""
    for one in published("asked_addresses")["programs"]:
        if re.fullmatch(one["image"], service.image or ""):
            return [re.compile(place) for place in one["places"]]
    return []


GATE = Gate(
    id="OBS089",
    title="What a program of monitoring asks is in another container, and not in its own",
    phase="observability",
    source="https://docs.docker.com/compose/how-tos/networking: services reach each other by their "
    "names; localhost is the container itself; https://grafana.com/docs/grafana/latest/datasources/"
    "prometheus/configure: the server asks, where a data source is a proxy",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("addresses of monitoring", _asked),
    targets=("compose",),
    reads="addresses of localhost in configurations of Grafana, Prometheus, Alertmanager, Promtail "
    "and collectors that Compose services mount, beside the ports at which other services listen "
    "by their image and `ports`.",
)
