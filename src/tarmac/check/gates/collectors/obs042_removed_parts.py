"""A collector's configuration has no part that its version does not have any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname, join, normpath
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.monitoring.collectors import Collector, collectors
from tarmac.check.gates.views.objects.metadata import kind_of, space_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_VERSION = re.compile(r":v?(\d+(?:\.\d+)+)")


class RunCollector(NamedTuple):
    """A configuration, and the image that reads it."""

    collector: Collector
    image: str


def check(files: Files) -> Iterator[Finding]:
    """Yield parts that the version of a collector refuses."""
    for one, image in _run(files):
        version = _VERSION.search(image)
        numbers = tuple(map(int, version[1].split("."))) if version else ()
        for gone in published("removed_parts")["parts"]:
            since = _since(image, gone["since"])
            if not numbers or since is None or numbers < tuple(since):
                continue
            for name in fields(one.data, gone["kind"]):
                if str(name).partition("/")[0] == gone["name"]:
                    what = f"has {name} in its {gone['kind']}, and {image} has none of that kind"
                    said = f"{what} any more: the collector does not start; {gone['instead']}"
                    yield Finding(one.at(gone["kind"], str(name)), said)


def _since(image: str, known: dict[str, list[int]]) -> list[int] | None:
    """Find the first version of an image's own numbers without a part."""
    return next((since for name, since in known.items() if re.search(name, image)), None)


@once
def _run(files: Files) -> Iterator[RunCollector]:
    """Yield the collectors here whose image is known."""
    every = collectors(files)
    by_path = {one.artifact.path: one for one in every if not one.artifact.is_object}
    for service in compose_services(files) if by_path else ():
        folder = dirname(service.artifact.path)
        for entry in listed(dig(service.data, "volumes")):
            path = normpath(join(folder, mount(entry).partition(":")[0]))
            if path in by_path:
                yield RunCollector(by_path[path], service.image or "")
    kept = {
        (space_of(one.artifact), one.name): one
        for one in every
        if one.artifact.is_object and kind_of(one.artifact) == "ConfigMap"
    }
    for own in pods(files) if kept else ():
        for volume in own.spec.volumes:
            for source in volume.sources:
                found = kept.get((space_of(own.artifact), source.name))
                for container in own.main_containers if found else ():
                    if found and any(one.volume == volume.name for one in container.mounts):
                        yield RunCollector(found, container.image)
    for one in every:
        if one.artifact.is_object and (image := string(one.artifact.data, "spec", "image")):
            yield RunCollector(one, image)


GATE = Gate(
    id="OBS042",
    title="Collectors have the parts that their configuration names",
    phase="observability",
    source="https://github.com/open-telemetry/opentelemetry-collector/issues/11337: a part that "
    "was removed is an unknown type, by which the collector ends",
    check=check,
    of_files=check,
    scope=counted_in_files("collectors with a known image", _run),
    targets=(),
    reads="parts of configurations in assets/published.yaml, beside the versions of images of "
    "Compose services, pods and OpenTelemetryCollectors. Judges files without a plan only.",
)
