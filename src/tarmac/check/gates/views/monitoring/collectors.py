"""Collectors of OpenTelemetry: their configurations, wherever these are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import first
from tarmac.base.foreign.reading import Fields, Path, fields, items, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of
from tarmac.check.gates.views.once import once

_FACTS = "receivers", "service"
_PARTS = (*_FACTS, "processors", "exporters", "connectors")


class Collector(NamedTuple):
    """One configuration."""

    artifact: Artifact
    #: Where it is in the artifact; empty: it is all of it.
    path: Path
    data: Fields
    #: The ConfigMap or OpenTelemetryCollector that has it; empty: it is a file.
    name: str

    def at(self, *path: str | int) -> str:
        """Return where a part of it is, or the text that it is in."""
        is_text = self.artifact.is_object and isinstance(self._kept, str)
        return self.artifact.at(*self.path, *(() if is_text else path))

    @property
    def _kept(self) -> object:
        found: object = self.artifact.data
        for step in self.path:
            found = found[step] if isinstance(found, dict) else found
        return found

    def uses(self, kind: str) -> Path | None:
        """Tell where a pipeline has a processor of a kind."""
        for name, pipeline in fields(self.data, "service", "pipelines").items():
            for number, one in enumerate(items(pipeline, "processors")):
                if str(one).partition("/")[0] == kind:
                    return ("service", "pipelines", str(name), "processors", number)
        return None

    def has_exporter(self, kind: str) -> bool:
        """Tell whether it has an exporter of a kind."""
        return any(str(name).partition("/")[0] == kind for name in fields(self.data, "exporters"))


@once
def collectors(files: Files) -> Iterator[Collector]:
    """Yield the configurations that are files, keys of ConfigMaps and parts of the operator's."""
    for artifact in files.artifacts:
        if not artifact.is_object and _is_one(artifact.data):
            yield Collector(artifact, (), artifact.data, "")
    for artifact in files.objects("ConfigMap"):
        for key, text in fields(artifact.data, "data").items():
            if isinstance(text, str) and "receivers:" in text and _is_one(data := first(text)):
                yield Collector(artifact, ("data", str(key)), data, name_of(artifact))
    for artifact in files.objects("OpenTelemetryCollector"):
        written = string(artifact.data, "spec", "config")
        data = first(written) if written else fields(artifact.data, "spec", "config")
        if _is_one(data):
            yield Collector(artifact, ("spec", "config"), data, name_of(artifact))


def merged_with(files: Files, one: Collector) -> tuple[Fields, ...]:
    """List the files that a collector may read beside a file, `config.yaml` for `config.eu.yaml`.

    It takes several, and merges them; each of them is a part then.
    """
    if one.artifact.is_object:
        return ()
    return tuple(
        other.data
        for other in _beside(files, one)
        if isinstance(other.data, dict) and {*_PARTS} & {*other.data}
    )


def _beside(files: Files, one: Collector) -> Iterator[Artifact]:
    own = PurePosixPath(one.artifact.path)
    for other in files.below(str(own.parent)) if own.parent.name else files.artifacts:
        path = PurePosixPath(other.path)
        is_near = not other.is_object and path.parent == own.parent and path != own
        if is_near and _is_of_one(*sorted((path.stem, own.stem), key=len)):
            yield other


def _is_of_one(short: str, long: str) -> bool:
    """Tell whether the longer name is the shorter one with a word behind it."""
    return long.startswith(short) and not long[len(short) : len(short) + 1].isalnum()


def _is_one(data: object) -> bool:
    parts = fields(data)
    return all(isinstance(parts.get(one), dict) for one in _FACTS) and all(
        isinstance(one, dict) for one in fields(data, "service", "pipelines").values()
    )
