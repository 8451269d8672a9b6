"""Routes of requests: Ingress and HTTPRoute objects, and the hosts that any of them leads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, port, text
from tarmac.check.gates.views.objects.references import Reference, reference


class Backend(NamedTuple):
    """The Service that a route ends at, and its port by number or name."""

    service: str | None
    port: int | str | None


class IngressPath(NamedTuple):
    """One path of an Ingress."""

    host: str
    path: str
    backend: Backend


def ingress_paths(artifact: Artifact) -> Iterator[IngressPath]:
    """Yield the paths of an Ingress."""
    for rule in items(artifact.data, "spec", "rules"):
        for path in items(rule, "http", "paths"):
            service = fields(path, "backend", "service")
            written = fields(service, "port")
            end = port(written, "number") if "number" in written else port(written, "name")
            backend = Backend(text(service, "name"), end)
            yield IngressPath(rule.get("host", ""), path.get("path", "/"), backend)


class RouteRule:
    """One rule of an HTTPRoute."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def backends(self) -> tuple[Backend, ...]:
        """Where it sends requests."""
        return tuple(
            Backend(text(end, "name"), port(end, "port")) for end in items(self.data, "backendRefs")
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """The prefixes of the paths that it takes."""
        matches = items(self.data, "matches") or ({},)
        return tuple(text(match, "path", "value") or "/" for match in matches)

    @property
    def filters(self) -> tuple[str | None, ...]:
        """What it does with requests, by type."""
        return tuple(text(written, "type") for written in items(self.data, "filters"))


class Route:
    """An HTTPRoute."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def parents(self) -> tuple[Reference, ...]:
        """The Gateways or Services whose requests it routes."""
        return tuple(map(reference, items(self.artifact.data, "spec", "parentRefs")))

    @property
    def of_mesh(self) -> bool:
        """Whether it routes requests inside of a mesh only."""
        return bool(self.parents) and all(parent.kind == "Service" for parent in self.parents)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts whose requests it routes; empty: all."""
        return items(self.artifact.data, "spec", "hostnames")

    @property
    def rules(self) -> tuple[RouteRule, ...]:
        """Its rules."""
        return tuple(map(RouteRule, items(self.artifact.data, "spec", "rules")))


def rewrites(artifact: Artifact) -> Iterator[str]:
    """Yield what in the rules of an Ingress, HTTPRoute or VirtualService changes paths."""
    for rule in Route(artifact).rules:
        yield from (kind for kind in rule.filters if kind == "URLRewrite")
    for rule in items(artifact.data, "spec", "http"):
        if "rewrite" in rule:
            yield "rewrite"


def backends(artifact: Artifact) -> set[str | None]:
    """List the Services that an Ingress or HTTPRoute sends requests to."""
    ends = {end.service for rule in Route(artifact).rules for end in rule.backends}
    return ends | {path.backend.service for path in ingress_paths(artifact)}
