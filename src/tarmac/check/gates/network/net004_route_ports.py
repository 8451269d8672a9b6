"""Routes end at ports that their Services have, and policies open ports that pods listen on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, port, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.listening import listens
from tarmac.check.gates.views.network.nginx_class import is_of_nginx
from tarmac.check.gates.views.objects.indexes import PodIndex, place_of
from tarmac.check.gates.views.objects.metadata import kind_of, space_of, title
from tarmac.check.gates.views.objects.selections import Selection, chosen
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: By this port the AWS Load Balancer Controller knows that an annotation says where to send.
BY_ANNOTATION = "use-annotation"
#: Ports of proxies that a mesh puts into pods or before them: Linkerd's, and those of Istio.
PROXIES = frozenset((4143, 4190, 4191, 15006, 15008, 15020, 15021, 15090))


def check(files: Files) -> Iterator[Finding]:
    """Yield ports of routes that no Service has, and ports that no pod listens on."""
    addresses: dict[tuple[str, str], list[Service]] = {}
    for service in map(Service, files.objects("Service")):
        key = (space_of(service.artifact), service.metadata.name)
        addresses.setdefault(key, []).append(service)
    for end in route_ends(files):
        found = addresses.get((end.namespace, end.service), [])
        # What is built without a namespace is beside what is built with it alone.
        built = end.artifact.built_by
        if built and not end.namespace:
            found = [one for one in found if one.artifact.built_by == built]
        # Of several folders with one of that name, each is an environment or example of its own.
        beside = [one for one in found if place_of(one.artifact) == place_of(end.artifact)]
        said = [_wrong(end, service) for service in beside or found]
        if said and all(said):
            what = f"{title(end.artifact)} sends to {end.service}{said[-1]}"
            # ingress-nginx takes the port of the pods for that of their Service as well.
            is_taken = is_of_nginx(end.artifact) and any(_aims(one, end.port) for one in found)
            yield Finding(end.artifact.at(*end.path), what, warning=is_taken)
    kept = PodIndex(pods(files, *SERVING))
    for opened in opened_ports(files):
        selected = chosen(opened.selection, kept) or []
        if selected and not any(_hears(own, opened) for own in selected):
            where = opened.selection.artifact.at(*opened.path)
            what = f"{title(opened.selection.artifact)} opens port {opened.port}"
            yield Finding(where, f"{what}, {listens(selected[0])}")


def _wrong(end: RouteEnd, service: Service) -> str:
    if not service.ports:  # an alias of a host elsewhere, which has any
        return ""
    there = {name for port in service.ports for name in (port.number, port.name)}
    numbers = ", ".join(str(port.number) for port in service.ports)
    if any(port.number is None for port in service.ports):
        return ""  # a mark is in its place
    if end.port is None and len(service.ports) > 1:
        return f" without a port, and it has {numbers}; name one"
    if end.port is not None and end.port not in {*there, BY_ANNOTATION}:
        return f":{end.port}, which it does not have; it has {numbers}"
    return ""


def _aims(service: Service, port: int | str | None) -> bool:
    return port is not None and any(one.target == port for one in service.ports)


def _hears(own: Pods, opened: OpenedPort) -> bool:
    return not own.ports or own.port(opened.port) is not None


def _judged(files: Files) -> Iterator[object]:
    yield from route_ends(files)
    yield from opened_ports(files)


class OpenedPort(NamedTuple):
    """One port of one rule, and the selector of the pods that must listen on it."""

    selection: Selection
    path: Path
    port: int | str


def opened_ports(files: Files) -> Iterator[OpenedPort]:
    """Yield the ports of rules whose pods can be told by labels."""
    for artifact in files.objects("NetworkPolicy"):
        own = fields(artifact.data, "spec", "podSelector")
        for number, rule in enumerate(items(artifact.data, "spec", "ingress") if own else ()):
            yield from _ports(artifact, ("spec", "ingress", number), rule, own)
        for number, rule in enumerate(items(artifact.data, "spec", "egress")):
            peers = items(rule, "to")
            if len(peers) == 1 and peers[0].keys() == {"podSelector"}:
                path = ("spec", "egress", number)
                yield from _ports(artifact, path, rule, fields(peers[0], "podSelector"))


def _ports(artifact: Artifact, path: Path, rule: Fields, own: Fields) -> Iterator[OpenedPort]:
    selection = Selection(artifact, path, own, "opens", space_of(artifact))
    for number, opened in enumerate(items(rule, "ports")):
        first = port(opened, "port")
        if first is not None and first not in PROXIES and "endPort" not in opened:
            yield OpenedPort(selection, (*path, "ports", number), first)


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


GATE = Gate(
    id="NET004",
    title="Routes and policies name ports that exist",
    phase="kubernetes",
    source="a route to a port that its Service lacks answers 503, and a policy that opens another "
    "port than the pod's leaves it shut",
    check=check,
    of_files=check,
    scope=counted_in_files("ports", _judged),
    reads="backends of Ingress, HTTPRoute and VirtualService objects, beside Services of the "
    "namespace that are in these files; ports of NetworkPolicies beside those of the pods.",
)
