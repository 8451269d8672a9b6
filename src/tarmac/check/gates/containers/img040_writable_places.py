"""Where the root of a container is read-only, what its program writes to is a volume."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


class ReadOnlyContainer(NamedTuple):
    """A container whose root is read-only."""

    title: str
    where: str
    image: str
    #: What it is told to run, or what the program of the image is given.
    words: Sequence[str]
    mounted: Collection[str]
    #: All that is mounted, what is only read there as well.
    given: Collection[str]
    variables: Collection[str]
    #: How a place is made writable there.
    advice: str


def check(files: Files) -> Iterator[Finding]:
    """Yield places that a program writes to, and that nothing makes writable."""
    for own in _read_only(files):
        for program, told in _programs(own):
            closed = [place for place in told["places"] if not _is_open(place, own.mounted)]
            for place in closed[:1]:
                what = f"{own.title} has a read-only root, and {program} writes to"
                said = f"{what} {told.get('says', place[0])}, so it ends at once"
                yield Finding(own.where, f"{said}; {own.advice} there")


def _programs(own: ReadOnlyContainer) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what runs there and is known to write: the image's program, or that of a command."""
    known, command = published("writes"), " ".join(own.words)
    first = next(iter(own.words), "-").rpartition("/")[2]
    for one in known["images"]:
        is_set = {*one["settings"]} & {*own.given} or re.search(one["told"], command)
        is_server = first.startswith("-") or first in one["programs"]
        if re.fullmatch(one["image"], own.image) and is_server and not is_set:
            yield own.image, one
    for one in known["commands"]:
        is_set = {*one["variables"]} & {*own.variables} or re.search(one["told"], command)
        if re.search(one["run"], command) and not is_set:
            yield one["program"], one


def _is_open(place: Collection[str], mounted: Collection[str]) -> bool:
    """Tell whether a volume is mounted at a place, above it, or below it."""
    return any(
        path == name or name.startswith(f"{path}/") or path.startswith(f"{name}/")
        for path in mounted
        for name in place
        if path
    )


@once
def _read_only(files: Files) -> Iterator[ReadOnlyContainer]:
    for beside in compose_files(files):
        for service in beside.services:
            if dig(service.data, "read_only") is True:
                yield _of_compose(service)
    for own in pods(files):
        for container in own.main_containers:
            if container.security.over(own.spec.security).read_only_root:
                yield ReadOnlyContainer(
                    f"{title(own.artifact)}: {container.title}",
                    container.at("securityContext"),
                    untagged(container.image),
                    container.words,
                    [m.path.rstrip("/") for m in container.mounts if not m.data.get("readOnly")],
                    [m.path.rstrip("/") for m in container.mounts],
                    own.variables.names(container),
                    "mount an emptyDir",
                )


def _of_compose(service: ComposeService) -> ReadOnlyContainer:
    given = dig(service.data, "tmpfs")
    temporary = [given] if isinstance(given, str) else listed(given)
    places = (*service.mounted, *(str(one).partition(":")[0] for one in temporary))
    return ReadOnlyContainer(
        f"service {service.name}",
        service.at("read_only"),
        untagged(service.image or ""),
        (*words(service, "entrypoint"), *words(service)),
        [path.rstrip("/") for path in places],
        [path.rstrip("/") for path in places],
        service.variables,
        "mount a tmpfs",
    )


GATE = Gate(
    id="IMG040",
    title="Where a root is read-only, what the program writes to is a volume",
    phase="containers",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/security-context: "
    "readOnlyRootFilesystem mounts the root of a container as read-only; "
    "https://hub.docker.com/_/nginx: running it so needs two volumes",
    check=check,
    of_files=check,
    scope=counted_in_files("containers with a read-only root", _read_only),
    targets=("compose", "cluster"),
    reads="containers of pods and of Compose whose root is read-only, their image and command "
    "beside assets/published.yaml, and their mounts.",
)
