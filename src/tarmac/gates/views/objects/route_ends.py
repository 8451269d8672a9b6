"""Where routes end: Services and their ports, of Ingress, HTTPRoute and VirtualService objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.artifact import Artifact
from tarmac.gates.subject import Files
from tarmac.gates.views.objects.metadata import kind_of, space_of
from tarmac.gates.views.reading import Path, fields, items, port, text


class RouteEnd(NamedTuple):
    """A Service that requests are sent to, and its port by number or name."""

    artifact: Artifact
    path: Path
    service: str
    port: int | str | None
    namespace: str


def route_ends(files: Files) -> Iterator[RouteEnd]:
    """Yield the ends of all routes."""
    for artifact in files.objects("Ingress", "HTTPRoute", "VirtualService"):
        space = space_of(artifact)
        for path, data, key in _ends(artifact):
            name, _, rest = str(text(data, key)).partition(".")
            given = fields(data, "port")
            number = port(given, "number") or port(given, "name") if given else port(data, "port")
            own = str(data.get("namespace") or (rest.partition(".")[0] if rest else space))
            if isinstance(number, int | str | None):
                yield RouteEnd(artifact, path, name, number, own)


def _ends(artifact: Artifact) -> Iterator[tuple[Path, dict[str, object], str]]:
    kind = kind_of(artifact)
    if kind == "Ingress":
        for one, rule in enumerate(items(artifact.data, "spec", "rules")):
            for two, way in enumerate(items(rule, "http", "paths")):
                path = ("spec", "rules", one, "http", "paths", two, "backend")
                yield path, dict(fields(way, "backend", "service")), "name"
        return
    inner, ends, key = (
        ("rules", "backendRefs", "name") if kind == "HTTPRoute" else ("http", "route", "host")
    )
    for one, rule in enumerate(items(artifact.data, "spec", inner)):
        for two, end in enumerate(items(rule, ends)):
            data = fields(end, "destination") if key == "host" else end
            yield ("spec", inner, one, ends, two), dict(data), key
