"""What the operator of OpenTelemetry injects into a pod is found from the pod's namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import Metadata, metadata, name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_INSTRUMENTATION, _COLLECTOR = "Instrumentation", "OpenTelemetryCollector"
_LANGUAGES = "java|nodejs|python|dotnet|go|apache-httpd|nginx|sdk"
#: By annotation, the kind of what is injected.
_KINDS = {
    _INSTRUMENTATION: re.compile(rf"instrumentation\.opentelemetry\.io/inject-({_LANGUAGES})"),
    _COLLECTOR: re.compile(r"sidecar\.opentelemetry\.io/inject"),
}
_OPEN = re.compile(r"[{}$<>]")


class Injection(NamedTuple):
    """An annotation by which something is injected into the pods of a namespace."""

    artifact: Artifact
    path: Path
    kind: str
    name: str
    value: str
    space: str


class InjectableObjects:
    """What may be injected, of one kind."""

    def __init__(self, files: Files, kind: str) -> None:
        found = [one for one in files.objects(kind) if _is_meant(one)]
        #: Whether one of them may be of any namespace.
        self.is_open = not all(map(space_of, found))
        self.paths = sorted({f"{space_of(one)}/{name_of(one)}" for one in found})
        self.by_space: dict[str, set[str]] = {}
        self.by_name: dict[str, list[str]] = {}
        for one in found:
            self.by_space.setdefault(space_of(one), set()).add(name_of(one))
            self.by_name.setdefault(name_of(one), []).append(space_of(one))

    @property
    def said(self) -> str:
        """For a reader."""
        first = ", ".join(self.paths[:3])
        return f"the only one is {first}" if len(self.paths) == 1 else f"there are {first}"


def check(files: Files) -> Iterator[Finding]:
    """Yield annotations by which nothing is found."""
    there = {kind: InjectableObjects(files, kind) for kind in _KINDS}
    for one in _injections(files):
        if what := _missed(one, there[one.kind]):
            said = f"{title(one.artifact)} has {one.name.rpartition('/')[2]}: {one.value}, which"
            yield Finding(one.artifact.at(*one.path), f"{said} {what}")


def _is_meant(artifact: Artifact) -> bool:
    mode = string(artifact.data, "spec", "mode")
    return artifact.data.get("kind") != _COLLECTOR or mode == "sidecar"


def _missed(one: Injection, there: InjectableObjects) -> str:
    if there.is_open:
        return ""
    space, _, name = one.value.rpartition("/")
    space = space or one.space
    if one.value.lower() == "true":
        own = sorted(there.by_space.get(one.space, ()))
        named = f"takes the {one.kind} of its own namespace {one.space}"
        if len(own) > 1:
            return f"{named}, and that has {', '.join(own)}: nothing is injected; name one of them"
        if own or not there.paths:
            return ""
        return f"{named}, and {there.said}: nothing is injected; write {there.paths[0]}"
    same = there.by_name.get(name, [])
    if not same or space in same:
        return ""
    named = f"takes the {one.kind} {name} of the namespace {space}"
    advice = f"write {same[0]}/{name}"
    return f"{named}, and it is of {same[0]}: nothing is injected; {advice}"


@once
def _injections(files: Files) -> Iterator[Injection]:
    spaces = {name_of(one): metadata(one) for one in files.objects("Namespace")}
    for own in pods(files):
        if (space := space_of(own.artifact)) and not _OPEN.search(space):
            path = (*own.path[:-1], "metadata", "annotations")
            for found in _noted(own.artifact, path, own.metadata, space):
                # The word of a namespace stands above `true`.
                known = spaces.get(space)
                above = str(known.annotations.get(found.name, "")) if known else ""
                if found.value.lower() != "true" or above.lower() in ("", "true", "false"):
                    yield found
    for one in files.objects("Namespace"):
        path = ("metadata", "annotations")
        yield from _noted(one, path, metadata(one), name_of(one))


def _noted(artifact: Artifact, path: Path, noted: Metadata, space: str) -> Iterator[Injection]:
    for name, value in noted.annotations.items():
        for kind, pattern in _KINDS.items():
            is_on = str(value).lower() not in ("", "false") and not _OPEN.search(str(value))
            if is_on and pattern.fullmatch(str(name)):
                yield Injection(artifact, (*path, str(name)), kind, str(name), str(value), space)


GATE = Gate(
    id="OBS074",
    title="What is injected into a pod is found from the namespace of the pod",
    phase="observability",
    source="https://opentelemetry.io/docs/platforms/kubernetes/operator/automatic: true takes "
    "the one Instrumentation of the pod's namespace; one of another is written namespace/name",
    check=check,
    of_files=check,
    scope=counted_in_files("annotations that inject", _injections),
    targets=("cluster",),
    reads="annotations of pods and namespaces for OpenTelemetry's operator, beside "
    "Instrumentations and OpenTelemetryCollectors of the mode sidecar, all with their namespaces.",
)
