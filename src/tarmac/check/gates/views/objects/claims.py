"""Addresses that objects claim: hosts with paths, names for DNS, and ports of nodes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import chain, product
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, space_of
from tarmac.check.gates.views.objects.routes import Route, ingress_paths

_CLASS = "kubernetes.io/ingress.class"
_DNS = "external-dns.alpha.kubernetes.io/hostname"
#: By these annotations a second Ingress of one path is meant: a share of its requests.
_SHARES = ("nginx.ingress.kubernetes.io/canary", "alb.ingress.kubernetes.io/group.name")


class Claim(NamedTuple):
    """An object that owns a thing, where it says so, what is owned, and what two owners do."""

    artifact: Artifact
    path: Path
    what: str
    why: str


def addresses(files: Files) -> Iterator[tuple[Hashable, Claim]]:
    """Yield each address with the object that claims it, by what tells it from others."""
    return chain(paths(files), _routes(files), _hosts(files), _node_ports(files))


def paths(files: Files) -> Iterator[tuple[Hashable, Claim]]:
    """Yield each path of a host with the Ingress that routes it, by its class."""
    for artifact in files.objects("Ingress"):
        noted = metadata(artifact).annotations
        if any(str(noted.get(key) or "false") != "false" for key in _SHARES):
            continue
        of = dig(artifact.data, "spec", "ingressClassName") or noted.get(_CLASS)
        why = "which of them answers is not defined"
        if of == "nginx":
            why = "ingress-nginx refuses the second one, or the older one answers"
        for path in ingress_paths(artifact):
            if path.host:
                claim = Claim(artifact, ("spec", "rules"), f"route {path.host}{path.path}", why)
                yield ("path", str(of), path.host, path.path), claim
    for artifact in files.objects("VirtualService"):
        spec = fields(artifact.data, "spec")
        gateways = items(spec, "gateways") or ("mesh",)
        for host, gateway in product(items(spec, "hosts"), gateways):
            if gateway == "mesh" and isinstance(host, str):
                what = f"say where requests to {host} go inside of the mesh"
                claim = Claim(artifact, ("spec", "hosts"), what, "it takes the older one")
                yield ("host", host.partition(".")[0]), claim


def _hosts(files: Files) -> Iterator[tuple[Hashable, Claim]]:
    for artifact in files.objects("Service"):
        for host in str(metadata(artifact).annotations.get(_DNS) or "").split(","):
            if host.strip() and "{" not in host:
                what, why = f"have the DNS name {host.strip()}", "its clients reach either of them"
                path = ("metadata", "annotations")
                yield ("dns", host.strip()), Claim(artifact, path, what, why)


def _routes(files: Files) -> Iterator[tuple[Hashable, Claim]]:
    """Yield what HTTPRoutes take by a host and a path alone, of each of their Gateways."""
    for route in map(Route, files.objects("HTTPRoute")):
        parents = [
            (one.name, str(data.get("namespace") or space_of(route.artifact)), *_section(data))
            for one, (_, data) in zip(
                route.parents, numbered(route.artifact.data, "spec", "parentRefs"), strict=True
            )
        ]
        for number, rule in enumerate(route.rules):
            for match in items(rule.data, "matches") or ({},):
                if {"headers", "queryParams", "method"} & fields(match).keys():
                    continue
                kind = string(match, "path", "type") or "PathPrefix"
                path = string(match, "path", "value") or "/"
                for host, parent in product(route.hosts, parents):
                    why = "the older one answers, and the other never does"
                    at: Path = ("spec", "rules", number)
                    claim = Claim(route.artifact, at, f"route {host}{path}", why)
                    yield ("route", parent, host, kind, path), claim


def _section(parent: Fields) -> tuple[str, str]:
    return str(parent.get("sectionName") or ""), str(parent.get("port") or "")


def _node_ports(files: Files) -> Iterator[tuple[Hashable, Claim]]:
    """Yield ports of nodes, of which a cluster has each once."""
    for artifact in files.objects("Service"):
        for number, port in numbered(artifact.data, "spec", "ports"):
            given = port.get("nodePort")
            if isinstance(given, int) and given:
                at: Path = ("spec", "ports", number, "nodePort")
                what, why = f"ask for the port {given} of each node", "the second one is refused"
                key = ("node port", given, str(port.get("protocol") or "TCP"))
                yield key, Claim(artifact, at, what, why)
