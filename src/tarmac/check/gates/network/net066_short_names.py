"""Pods name a Service of another namespace with that namespace."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.network.asked_hosts import AskedHost, asked_hosts
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

#: The API server's Service.
_SERVER = "kubernetes"
#: What brings objects that are not here, with where it says the namespace for them.
_BRINGING = {
    "HelmRelease": ("spec", "targetNamespace"),
    "HelmChart": ("spec", "targetNamespace"),
    "Application": ("spec", "destination", "namespace"),
    "Kustomization": ("spec", "targetNamespace"),
}


def check(files: Files) -> Iterator[Finding]:
    """Yield hosts that are looked up in a namespace which has no such Service."""
    services: dict[str, dict[str, list[Artifact]]] = {}
    for service in files.objects("Service"):
        spaces = services.setdefault(name_of(service), {})
        spaces.setdefault(space_of(service), []).append(service)
    known = {space_of(one) for one in files.objects("Service")}
    brought, homes = _brought(files), _homes(files)
    said = set[tuple[str, str]]()
    for one in asked_hosts(files):
        yield from _of_server(one)
        spaces, home = services.get(one.name, {}), space_of(one.own.artifact)
        space = one.space or home
        is_known = bool(spaces and home) and "" not in spaces and not any(map(is_mark, spaces))
        if not is_known or space in spaces or space in brought or "" in brought:
            continue
        if one.space and space not in known:  # that may have all of its objects elsewhere
            continue
        # Of another environment it has its own name for all: the same pods are there as well.
        others = {at for at in spaces if at not in homes.get(name_of(one.own.artifact), set())}
        there = [at for at in sorted(others) if _has_port(spaces[at], one.port)]
        if len(there) == 1 and (one.where, one.name) not in said:
            said.add((one.where, one.name))
            asked = f"{one.name}.{one.space}" if one.space else one.name
            what = f"{title(one.own.artifact)} asks for {asked}, which is looked up in {space}, and"
            advice = f"Service {one.name} is in {there[0]}: it is not found; write"
            yield Finding(one.where, f"{what} {advice} {one.name}.{there[0]}")


def _of_server(one: AskedHost) -> Iterator[Finding]:
    """Yield the API server by its short name, which is looked up in the pod's namespace."""
    home = space_of(one.own.artifact)
    if one.name == _SERVER and not one.space and home not in ("", "default"):
        what = f"{title(one.own.artifact)} asks for {_SERVER}, which is looked up in {home}, and"
        said = f"{what} that Service is in default: it is not found; write {_SERVER}.default.svc"
        yield Finding(one.where, said)


def _has_port(found: list[Artifact], port: int | None) -> bool:
    """Tell whether one of some Services has a port; where none is asked for, any may be meant."""
    ports = [dig(own, "port") for one in found for _, own in numbered(one.data, "spec", "ports")]
    return port is None or port in ports


def _homes(files: Files) -> dict[str, set[str]]:
    """List the namespaces in which there are pods, by the names of what makes them."""
    found: dict[str, set[str]] = {}
    for own in pods(files):
        found.setdefault(name_of(own.artifact), set()).add(space_of(own.artifact))
    return found


def _brought(files: Files) -> set[str]:
    """List the namespaces for which something brings objects; empty: any."""
    found = {
        string(one.data, *path) or (space_of(one) if kind != "Application" else "")
        for kind, path in _BRINGING.items()
        for one in files.objects(kind)
    }
    return found | {space_of(one) for one in files.objects("ServiceImport", "EndpointSlice")}


GATE = Gate(
    id="NET066",
    title="Pods name a Service of another namespace with that namespace",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-"
    "services: a name without a namespace is looked up in that of the pod",
    check=check,
    of_files=check,
    scope=counted_in_files("hosts that pods are told", asked_hosts),
    targets=("cluster",),
    reads="addresses in variables, ConfigMaps and arguments of pods whose namespace is written, "
    "beside the Services of all namespaces here and their ports. Where something brings objects "
    "that are not here to the namespace, or the same pods are in both, nothing is told.",
)
