"""Traefik takes what a route names of another namespace only where it is allowed to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, numbered
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.network.foreign_references import ForeignReference, crossing
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_ALLOWED = "allowCrossNamespace"
#: As a value, as an argument with and without one, as a variable.
_IS_TRUE = re.compile(
    rf"{_ALLOWED}[\"']?\s*[:=]\s*[\"']?true|KubernetesCRD[._]{_ALLOWED}(?![\w=])", re.IGNORECASE
)
_ARGUMENT = re.compile(r"--providers\.kubernetescrd(=true|\..*)?", re.IGNORECASE)
#: Where the values of Traefik's chart are, in objects of those that install it.
_VALUES: tuple[Path, ...] = (
    (),
    ("spec", "values"),
    ("spec", "source", "helm", "valuesObject"),
)


def check(files: Files) -> Iterator[Finding]:
    """Yield references into other namespaces, which a Traefik that is set up here refuses."""
    told = list(_told(files))
    if not told or any(map(_is_allowed, files.artifacts)):
        return
    for one in _crossings(files):
        what = (
            f"{title(one.artifact)} names {one.kind} {one.name} of the namespace {one.space}, and"
        )
        said = f"{what} Traefik ({told[0]}) has no {_ALLOWED}: it drops the route; name one of"
        yield Finding(one.artifact.at(*one.path), f"{said} {space_of(one.artifact)}, or allow it")


def _is_allowed(artifact: Artifact) -> bool:
    """Tell whether any text of a file allows it: of values, of arguments, of a file of Traefik."""
    return _IS_TRUE.search(str(artifact.content)) is not None


def _told(files: Files) -> Iterator[str]:
    """Yield where Traefik is told to read its own kinds."""
    for artifact in files.artifacts:
        for path in _VALUES:
            provider = dig(artifact.data, *path, "providers", "kubernetesCRD")
            if isinstance(provider, Mapping):
                yield artifact.at(*path, "providers", "kubernetesCRD")
    for own in pods(files):
        for container in own.main_containers:
            if any(map(_ARGUMENT.fullmatch, container.words)):
                yield container.at("args" if container.arguments else "command")


@once
def _crossings(files: Files) -> Iterator[ForeignReference]:
    for artifact in files.objects("IngressRoute", "IngressRouteTCP", "IngressRouteUDP"):
        for one in _named(artifact):
            if (own := space_of(artifact)) and not is_mark(own) and not is_mark(one.space):
                yield one


def _named(artifact: Artifact) -> Iterator[ForeignReference]:
    for number, route in numbered(artifact.data, "spec", "routes"):
        for key, kind in (("middlewares", "Middleware"), ("services", "Service")):
            for place, end in numbered(route, key):
                path = ("spec", "routes", number, key, place)
                yield from crossing(artifact, path, end, kind)
    options = fields(artifact.data, "spec", "tls", "options")
    yield from crossing(artifact, ("spec", "tls", "options"), options, "TLSOption")


GATE = Gate(
    id="NET055",
    title="Routes of Traefik name what is in their own namespace, or may name others",
    phase="kubernetes",
    source="https://doc.traefik.io/traefik/reference/install-configuration/providers/kubernetes/"
    "kubernetes-crd: without allowCrossNamespace a reference into another namespace is refused",
    check=check,
    of_files=check,
    scope=counted_in_files("references into other namespaces", _crossings),
    targets=("cluster",),
    reads="IngressRoutes beside values of Traefik's chart, of a HelmRelease or an Application, and "
    "arguments of containers. Where no file sets Traefik up, or one allows it, nothing is told.",
)
