"""Ingress: its rules route to the service that is public there, with the whole path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import NAME, kind_of, metadata, title
from tarmac.check.gates.views.objects.routes import Route, ingress_paths, rewrites
from tarmac.check.gates.views.objects.services import Service, services
from tarmac.check.gates.views.scope import counted
from tarmac.check.gates.views.trials.canaries import canaries

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload

#: Annotations of ingress controllers that change the path that a service sees.
REWRITES = ("rewrite-target", "app-root", "use-regex", "url-rewrite", "strip-prefix")


@dataclass(frozen=True)
class Rule:
    """One rule: host and path prefix -> a Service and its port."""

    artifact: Artifact
    host: str
    path: str
    service: str
    port: int | str | None


def check(subject: Subject) -> Iterator[Finding]:
    """Yield public addresses without a rule, rules without an address, and rewritten paths."""
    rules, addresses, public = _rules(subject), services(subject), _public(subject)
    led = {(rule.host, rule.path) for rule in rules}
    for (host, path), (workload, _) in public.items():
        if (host, path) not in led:
            yield Finding(
                workload.place,
                f"{workload.name} is public at {host}{path}, but no Ingress, HTTPRoute or Canary "
                "routes there; add the rule",
            )
    for rule in rules:
        where = rule.artifact.path
        if (rule.host, rule.path) not in public:
            yield Finding(
                where,
                f"{title(rule.artifact)} exposes {rule.host}{rule.path}, which no "
                "service has in `public`; declare it, or remove the rule",
            )
            continue
        workload, number = public[rule.host, rule.path]
        service = addresses.get(rule.service)
        ports = service.ports if service else ()
        heard = {port.number for port in ports if rule.port in (port.number, port.name)}
        by_flagger = kind_of(rule.artifact) == "Canary"  # which makes the Service
        answers = rule.port == number if by_flagger else number in heard
        if _workload(service, rule.service) != workload.name or not answers:
            yield Finding(
                where,
                f"{title(rule.artifact)} sends {rule.host}{rule.path} to {rule.service}:"
                f"{rule.port}; the model has it at {workload.name}:{number}",
            )
    for artifact in subject.objects("Ingress", "HTTPRoute", "VirtualService"):
        yield from _rewrites(artifact)


def _rules(subject: Subject) -> list[Rule]:
    return [*_ingresses(subject), *_routes(subject), *_canaries(subject)]


def _public(subject: Subject) -> dict[tuple[str, str], tuple[Workload, int]]:
    return {
        (route.host, path): (workload, route.port)
        for workload in subject.plan.services
        for route in workload.routes
        for path in route.paths
    }


def _workload(service: Service | None, name: str) -> str:
    """Name the workload of a Service: it may be one of two, for the revisions of a workload."""
    selector = (service.selector if service else None) or {}
    return str(selector.get(NAME) or name)


def _rewrites(artifact: Artifact) -> Iterator[Finding]:
    """Yield what makes a service see another path than the client requested."""
    noted = metadata(artifact).annotations
    found = [key for key in noted if any(word in key for word in REWRITES)]
    for name in (*found, *rewrites(artifact)):
        yield Finding(
            artifact.path,
            f"{title(artifact)} changes paths ({name}): its own redirects and links would then "
            "break; remove it, services know their paths",
        )


def _ingresses(subject: Subject) -> Iterator[Rule]:
    for artifact in subject.objects("Ingress"):
        for path in ingress_paths(artifact):
            end = path.backend
            yield Rule(artifact, path.host, path.path, str(end.service), end.port)


def _routes(subject: Subject) -> Iterator[Rule]:
    for route in map(Route, subject.objects("HTTPRoute")):
        for rule in () if route.of_mesh else route.rules:  # that is not an ingress
            for path, host in product(rule.paths, route.hosts or ("",)):
                for end in rule.backends:
                    yield Rule(route.artifact, host, path, str(end.service), end.port)


def _canaries(subject: Subject) -> Iterator[Rule]:
    """Yield the rules of the VirtualService that Flagger makes of a Canary."""
    for name, canary in canaries(subject).items():
        service = canary.service
        for host, path in product(service.hosts, service.prefixes):
            if host != name and "." in host and path:
                yield Rule(canary.artifact, host, path, name, service.port)


def _judged(subject: Subject) -> Iterator[object]:
    yield from {(rule.host, rule.path) for rule in _rules(subject)} | {*_public(subject)}
    yield from subject.objects("VirtualService")


GATE = Gate(
    id="NET003",
    title="The ingress routes each public address to its service and keeps the path",
    phase="kubernetes",
    source="a roadmap's own Ingress rewrites every path to /, so that nothing below it answers",
    check=check,
    scope=counted("public addresses and routes", _judged),
    targets=("cluster",),
    reads="rules of Ingress, HTTPRoute and Canary objects, beside `public` of each service. "
    "A redirect from http to https has no backend and is not judged.",
)
