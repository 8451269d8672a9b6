"""Gateways that routes name without a namespace, by which they mean their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, items, numbered, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of

_GATEWAYS = "gateway.networking.k8s.io"
_ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")


class AskedGateway(NamedTuple):
    """A Gateway that a route names without a namespace."""

    artifact: Artifact
    path: Path
    group: str
    name: str
    #: Whether its namespace has a key of its own.
    is_parent: bool


def asked_gateways(files: Files) -> Iterator[AskedGateway]:
    """Yield what VirtualServices of a mesh and routes of the Gateway API name so."""
    for artifact in files.objects("VirtualService"):
        for number, name in enumerate(items(artifact.data, "spec", "gateways")):
            path: Path = ("spec", "gateways", number)
            yield AskedGateway(artifact, path, group_of(artifact), str(name), False)
    for artifact in files.objects(*_ROUTES):
        for number, parent in numbered(artifact.data, "spec", "parentRefs"):
            kind, group = parent.get("kind", "Gateway"), string(parent, "group") or _GATEWAYS
            name = string(parent, "name")
            is_own = group == _GATEWAYS == group_of(artifact)
            if kind == "Gateway" and is_own and not string(parent, "namespace"):
                path = ("spec", "parentRefs", number)
                yield AskedGateway(artifact, path, group, name, True)
