"""Routes end at ports that their Services have, and policies open ports that pods listen on."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.listening import listens
from tarmac.gates.views.objects.metadata import space_of, title
from tarmac.gates.views.objects.opened_ports import OpenedPort, opened_ports
from tarmac.gates.views.objects.pods import RUNNING, Pods, pods
from tarmac.gates.views.objects.route_ends import RouteEnd, route_ends
from tarmac.gates.views.objects.selections import chosen
from tarmac.gates.views.objects.services import Service
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding

#: By this port the AWS Load Balancer Controller knows that an annotation says where to send.
BY_ANNOTATION = "use-annotation"


def check(files: Files) -> Iterator[Finding]:
    """Yield ports of routes that no Service has, and ports that no pod listens on."""
    addresses = {
        (space_of(artifact), Service(artifact).metadata.name): Service(artifact)
        for artifact in files.objects("Service")
    }
    for end in route_ends(files):
        service = addresses.get((end.namespace, end.service))
        if service is not None and (what := _wrong(end, service)):
            where = end.artifact.at(*end.path)
            yield Finding(where, f"{title(end.artifact)} sends to {end.service}{what}")
    kept = list(pods(files, *RUNNING))
    for opened in opened_ports(files):
        found = chosen(opened.selection, kept) or []
        if found and not any(_hears(own, opened) for own in found):
            where = opened.selection.artifact.at(*opened.path)
            what = f"{title(opened.selection.artifact)} opens port {opened.port}"
            yield Finding(where, f"{what}, {listens(found[0])}")


def _wrong(end: RouteEnd, service: Service) -> str:
    there = {name for port in service.ports for name in (port.number, port.name)}
    numbers = ", ".join(str(port.number) for port in service.ports)
    if end.port is None and len(service.ports) > 1:
        return f" without a port, and it has {numbers}; name one"
    if end.port is not None and end.port not in {*there, BY_ANNOTATION}:
        return f":{end.port}, which it does not have; it has {numbers}"
    return ""


def _hears(own: Pods, opened: OpenedPort) -> bool:
    return not own.ports or own.port(opened.port) is not None


def _judged(files: Files) -> Iterator[object]:
    yield from route_ends(files)
    yield from opened_ports(files)


GATE = Gate(
    id="NET004",
    title="Routes and policies name ports that are there",
    phase="kubernetes",
    source="a route to a port that its Service lacks answers 503, and a policy that opens another "
    "port than the pod's leaves it shut",
    check=check,
    of_files=check,
    scope=counted_in_files("ports", _judged),
    reads="backends of Ingress, HTTPRoute and VirtualService objects, beside Services of the "
    "namespace that are in these files; ports of NetworkPolicies beside those of the pods.",
)
