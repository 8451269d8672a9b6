"""An image listens on the port that all other files name for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, filled, stages
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

#: Variables that say where a server listens, whatever its image exposes.
LISTENING = frozenset(("PORT", "HTTP_PORT", "SERVER_PORT", "APP_PORT", "LISTEN_PORT"))


@dataclass(frozen=True)
class NamedPorts:
    """The ports that a file names for an image that is built here."""

    exposed: ExposedPorts | None
    #: Says where a part of what names them is.
    at: Callable[..., str]
    ports: list[Any]
    what: str


def check(files: Files) -> Iterator[Finding]:
    """Yield ports of Compose, pods and Services that an image of theirs does not expose."""
    for named in _named(files):
        # Beside one that is exposed, others are a debugger's.
        if named.exposed is not None and all(map(named.exposed.lacks, named.ports)):
            for index, port in enumerate(named.ports):
                yield Finding(
                    named.at("ports", index),
                    f"{named.what} {port}, where its image does not listen: it has EXPOSE "
                    f"{named.exposed}; write one number in both, or set PORT",
                )


def _named(files: Files) -> Iterator[NamedPorts]:
    by_file = {
        dockerfile.path: found
        for dockerfile in dockerfiles(files)
        if (found := exposed_by(dockerfile))
    }
    by_name = {PurePosixPath(path).parent.name: exposed for path, exposed in by_file.items()}
    yield from _compose(files, by_file)
    listening: dict[str, ExposedPorts | None] = {}
    for own in pods(files):
        for container in own.main_containers:
            image = container.image_name
            if image in by_name:
                moved = not LISTENING.isdisjoint(str(one.name) for one in container.variables)
                there = listening[own.workload] = None if moved else by_name[image]
                asked = [port.number for port in container.ports]
                yield NamedPorts(there, container.at, asked, f"container {image} has port")
    for artifact in files.objects("Service"):
        service = Service(artifact)
        asked_by = [port.target for port in service.ports]
        there = listening.get(service.metadata.name, by_name.get(service.metadata.name))
        at = partial(artifact.at, "spec")
        yield NamedPorts(there, at, asked_by, f"{title(artifact)} sends to")


def _compose(files: Files, by_file: Mapping[str, ExposedPorts]) -> Iterator[NamedPorts]:
    for service in compose_services(files):
        if service.dockerfile and LISTENING.isdisjoint(service.environment):
            exposed, what = by_file.get(service.dockerfile), f"service {service.name}"
            ports = list(service.ports)
            yield NamedPorts(exposed, service.at, ports, f"{what} is forwarded to")


def _compared(files: Files) -> Iterator[object]:
    yield from (named for named in _named(files) if named.exposed is not None)


@dataclass(frozen=True)
class ExposedPorts:
    """The ports that a Dockerfile exposes, and where."""

    where: str
    ports: frozenset[int]

    def lacks(self, port: Any) -> bool:
        """Tell whether nothing listens on a number."""
        return isinstance(port, int) and port not in self.ports

    def __str__(self) -> str:
        return f"{', '.join(map(str, sorted(self.ports)))} ({self.where})"


def exposed_by(file: Artifact) -> ExposedPorts | None:
    """Read which ports a Dockerfile exposes; None: it says none."""
    found = stages(str(file.content))
    given: dict[str, str] = {}
    ports, line = set[int](), 0
    for instruction in found[-1].instructions if found else ():
        if instruction.word in ("ARG", "ENV"):
            name, _, value = instruction.rest.partition("=")
            given.setdefault(name.strip(), value.strip("\"' "))
        elif instruction.word == "EXPOSE":
            numbers = re.findall(r"(\d+)(?:/tcp)?(?=\s|$)", filled(instruction.rest, given))
            ports |= {int(number) for number in numbers}
            line = line or instruction.line
    return ExposedPorts(f"{file.path}:{line}", frozenset(ports)) if ports else None


GATE = Gate(
    id="IMG013",
    title="Compose, pods and Services name the port that the image listens on",
    phase="containers",
    source="a Dockerfile copied to six services keeps the first one's port in all of them",
    check=check,
    scope=counted_in_files("ports of images built here", _compared),
    of_files=check,
    reads="EXPOSE of Dockerfiles, beside `ports` of Compose services that are built from them, "
    "and pods and Services by the name of the Dockerfile's folder; not where PORT is set, nor "
    "beside a port that is exposed.",
)
