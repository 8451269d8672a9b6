"""A check asks a server for its health at the port where that answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.network.listening import PROBES
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: A port and a path that a command asks: of an address, or of what a shell opens.
_URL = re.compile(r"https?://[\w.\[\]:-]*?:(\d+)(/[^\s\"'\\|;]*)")
_OPENED = re.compile(r"/dev/tcp/[\w.:-]+/(\d+)")
_GET = re.compile(r"\b(?:GET|HEAD) (/[^\s\"'\\]*)")


class Check(NamedTuple):
    """What is asked of a container."""

    title: str
    where: str
    image: str
    #: All that is said to the container: its words and variables.
    told: str
    port: int
    path: str


def check(files: Files) -> Iterator[Finding]:
    """Yield checks that ask a port at which a server does not tell of its health."""
    for one in _checks(files):
        for about in published("health_ports")["servers"]:
            if not re.fullmatch(about["image"], untagged(one.image)):
                continue
            is_asked = re.fullmatch(about["paths"], one.path.partition("?")[0])
            is_moved = re.search(about["moved"], one.told)
            if is_asked and not is_moved and one.port != about["port"] and _is_since(about, one):
                what = f"{one.title} is asked for {one.path} at port {one.port}, and {one.image}"
                said = f"{what} answers that at {about['port']}: it never becomes healthy"
                yield Finding(one.where, f"{said}; ask {about['port']}")


def _is_since(about: Any, one: Check) -> bool:
    """Tell whether an image is of the version from which on this is so."""
    since = about.get("since")
    found = re.search(r":v?(\d+)[\w.-]*(?:@.*)?$", one.image)
    return since is None or (found is not None and int(found[1]) >= since)


@once
def _checks(files: Files) -> Iterator[Check]:
    for service in compose_services(files):
        test = dig(service.data, "healthcheck", "test")
        asked = " ".join(map(str, test)) if isinstance(test, list) else str(test or "")
        told = f"{dig(service.data, 'command')} {service.environment} {service.variables}"
        where, name = service.at("healthcheck", "test"), f"service {service.name}"
        opened, got = _OPENED.search(asked), _GET.search(asked)
        found = [(int(port), path) for port, path in _URL.findall(asked)]
        found += [(int(opened[1]), got[1])] if opened and got else []
        for port, path in found:
            yield Check(name, where, str(service.image or ""), told, port, path)
    for own in pods(files):
        for container in own.main_containers:
            names = {one.name: one.number for one in container.ports}
            told = f"{container.words} {[(one.name, one.value) for one in container.variables]}"
            for kind in PROBES:
                probe = container.probe(kind)
                for asked_port in probe.ports if probe is not None and probe.path else ():
                    number = names.get(asked_port) if isinstance(asked_port, str) else asked_port
                    if probe is not None and number is not None:
                        where = container.at(f"{kind}Probe")
                        named = f"{title(own.artifact)}: {container.name}"
                        path = str(probe.path)
                        yield Check(named, where, container.image, told, number, path)


GATE = Gate(
    id="IMG090",
    title="A check asks a server for its health where that answers",
    phase="containers",
    source="https://www.keycloak.org/server/management-interface, https://min.io/docs and "
    "https://prometheus.io/docs: health is told at one port of several",
    check=check,
    of_files=check,
    of_objects=True,
    scope=counted_in_files("checks of health by HTTP", _checks),
    targets=(),
    reads="probes of pods and healthchecks of Compose services, of the images in `health_ports` of "
    "assets/published.yaml, where nothing moves the port. Judges files without a plan only.",
)
