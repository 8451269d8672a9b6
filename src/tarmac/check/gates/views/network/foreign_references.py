"""References of routes, listeners and policies of the Gateway API into other namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, at_each, fields, items, numbered, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, space_of

API = "gateway.networking.k8s.io"
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
#: Where policies of Envoy Gateway name what they ask.
_ENVOY = {
    "SecurityPolicy": (
        *("extAuth.grpc.backendRefs.-", "extAuth.grpc.backendRef", "extAuth.http.backendRefs.-"),
        *("extAuth.http.backendRef", "oidc.provider.backendRefs.-"),
        "jwt.providers.-.remoteJWKS.backendRefs.-",
    ),
    "EnvoyExtensionPolicy": ("extProc.-.backendRefs.-",),
}


class ForeignReference(NamedTuple):
    """A reference from one namespace into another."""

    artifact: Artifact
    path: Path
    group: str
    kind: str
    name: str
    space: str


def of_api(files: Files, *names: str) -> list[Artifact]:
    """List the objects of the Gateway API of these kinds, with a namespace."""
    return [own for own in files.objects(*names) if group_of(own) == API and space_of(own)]


def crossings(files: Files) -> Iterator[ForeignReference]:
    """Yield each reference into another namespace."""
    for artifact in of_api(files, *ROUTES):
        if _is_of_mesh(artifact):
            continue
        for number, rule in numbered(artifact.data, "spec", "rules"):
            for place, end in numbered(rule, "backendRefs"):
                path: Path = ("spec", "rules", number, "backendRefs", place)
                yield from crossing(artifact, path, end, "Service")
    for artifact in files.objects(*_ENVOY):
        if group_of(artifact) == "gateway.envoyproxy.io" and space_of(artifact):
            for end_at in _ENVOY[kind_of(artifact)]:
                for path, end in at_each(artifact.data, ("spec", *end_at.split("."))):
                    yield from crossing(artifact, path, fields(end), "Service")
    for artifact in of_api(files, "Gateway"):
        for number, listener in numbered(artifact.data, "spec", "listeners"):
            for place, end in numbered(listener, "tls", "certificateRefs"):
                path = ("spec", "listeners", number, "tls", "certificateRefs", place)
                yield from crossing(artifact, path, end, "Secret")


def _is_of_mesh(artifact: Artifact) -> bool:
    """Tell whether a route is of Services alone: a mesh asks for no grant, as Linkerd."""
    parents = items(artifact.data, "spec", "parentRefs")
    return bool(parents) and all(string(one, "kind") == "Service" for one in parents)


def crossing(artifact: Artifact, path: Path, end: Fields, kind: str) -> Iterator[ForeignReference]:
    """Yield a reference if it is into another namespace.

    Args:
        end: its name and namespace, and its group and kind where it has them.
        kind: of what it is without one.
    """
    space, name = string(end, "namespace"), string(end, "name")
    if space and name and space != space_of(artifact) and "$" not in space:
        asked = string(end, "kind") or kind
        yield ForeignReference(artifact, path, string(end, "group"), asked, name, space)
