"""Ingress: its rules route to the service that is public there, with the whole path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.objects import NAME, dig, flagged, named, title
from tarmac.gates.views.scope import counted
from tarmac.plan.cluster import Workload
from tarmac.report import Finding

#: Annotations of ingress controllers that change the path that a service sees.
REWRITES = ("rewrite-target", "app-root", "use-regex", "url-rewrite", "strip-prefix")


@dataclass(frozen=True)
class Rule:
    """One rule: host and path prefix -> a Service and its port."""

    artifact: Artifact
    host: str
    path: str
    service: str
    port: Any


def check(subject: Subject) -> Iterator[Finding]:
    """Yield public addresses without a rule, rules without an address, and rewritten paths."""
    rules = _rules(subject)
    services = named(subject, "Service")
    public = _public(subject)
    led = {(rule.host, rule.path) for rule in rules}
    for (host, path), (workload, _) in public.items():
        if (host, path) not in led:
            yield Finding(
                workload.place,
                f"{workload.name} is public at {host}{path}, and no Ingress, HTTPRoute or Canary "
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
        ports = dig(getattr(services.get(rule.service), "data", {}), "spec", "ports") or ()
        heard = {
            port.get("port") for port in ports if rule.port in (port.get("port"), port.get("name"))
        }
        if rule.artifact.data["kind"] == "Canary":
            heard = {rule.port}  # Flagger makes the Service
        if _workload(services, rule.service) != workload.name or number not in heard:
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


def _workload(services: Mapping[str, Artifact], name: str) -> str:
    """Name the workload of a Service: it may be one of two, for the revisions of a workload."""
    found = services.get(name)
    return str(dig(found.data, "spec", "selector", NAME) or name) if found else name


def _rewrites(artifact: Artifact) -> Iterator[Finding]:
    """Yield what makes a service see another path than the client requested."""
    found = [
        key
        for key in dig(artifact.data, "metadata", "annotations") or {}
        if any(word in key for word in REWRITES)
    ]
    for rule in dig(artifact.data, "spec", "rules") or ():
        found += [e["type"] for e in rule.get("filters") or () if e.get("type") == "URLRewrite"]
    found += ["rewrite" for e in dig(artifact.data, "spec", "http") or () if "rewrite" in e]
    for name in found:
        yield Finding(
            artifact.path,
            f"{title(artifact)} changes paths ({name}): its own redirects and links would then "
            "break; remove it, services know their paths",
        )


def _ingresses(subject: Subject) -> Iterator[Rule]:
    for artifact in subject.objects("Ingress"):
        for rule in dig(artifact.data, "spec", "rules") or ():
            for path in dig(rule, "http", "paths") or ():
                port = dig(path, "backend", "service", "port") or {}
                name = str(dig(path, "backend", "service", "name"))
                number = port.get("number", port.get("name"))
                yield Rule(artifact, rule.get("host", ""), path.get("path", "/"), name, number)


def _routes(subject: Subject) -> Iterator[Rule]:
    for artifact in subject.objects("HTTPRoute"):
        parents = dig(artifact.data, "spec", "parentRefs") or ()
        if parents and all(parent.get("kind") == "Service" for parent in parents):
            continue  # of a mesh: no ingress
        for rule in dig(artifact.data, "spec", "rules") or ():
            backends = rule.get("backendRefs") or ()
            matches: Any = rule.get("matches") or ({},)
            for path in (dig(match, "path", "value") for match in matches):
                for host in dig(artifact.data, "spec", "hostnames") or ("",):
                    for end in backends:
                        name, port = str(end.get("name")), end.get("port")
                        yield Rule(artifact, host, path or "/", name, port)


def _canaries(subject: Subject) -> Iterator[Rule]:
    """Yield the rules of the VirtualService that Flagger makes of a Canary."""
    for name, artifact in flagged(subject).items():
        service = dig(artifact.data, "spec", "service") or {}
        matches: Any = service.get("match") or ({},)
        for host in service.get("hosts") or ():
            for path in (dig(match, "uri", "prefix") for match in matches):
                if host != name and "." in host and path:
                    yield Rule(artifact, host, path, name, service.get("port"))


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
