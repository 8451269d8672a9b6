"""Entry: the rules of the ingress lead to the service that is public there, path and all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import NAME, dig, flagged, named, title
from tarmac.report import Finding

#: Annotations of ingress controllers that change the path that a service sees.
REWRITES = ("rewrite-target", "app-root", "use-regex", "url-rewrite", "strip-prefix")


@dataclass(frozen=True)
class Rule:
    """One way in: host and path prefix -> a Service and its port."""

    artifact: Artifact
    host: str
    path: str
    service: str
    port: Any


def check(subject: Subject) -> Iterator[Finding]:
    """Yield public addresses without a rule, rules without one, and rules that change paths."""
    rules = [*_ingresses(subject), *_routes(subject), *_canaries(subject)]
    services = named(subject, "Service")
    public = {
        (route.host, path): (workload, route.port)
        for workload in subject.plan.services
        for route in workload.routes
        for path in route.paths
    }
    led = {(rule.host, rule.path) for rule in rules}
    for (host, path), (workload, _) in public.items():
        if (host, path) not in led:
            yield Finding(
                workload.place,
                f"{workload.name} is public at {host}{path}, and no Ingress, HTTPRoute or Canary "
                "leads there; add the rule",
            )
    for rule in rules:
        where = rule.artifact.path
        if (rule.host, rule.path) not in public:
            yield Finding(
                where,
                f"{title(rule.artifact)} lets the world in at {rule.host}{rule.path}, which no "
                "service has in `public`; declare it, or remove the rule",
            )
            continue
        workload, number = public[rule.host, rule.path]
        ports = dig(getattr(services.get(rule.service), "data", {}), "spec", "ports") or ()
        heard = {port["port"] for port in ports if rule.port in (port["port"], port.get("name"))}
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


def _workload(services: Mapping[str, Artifact], name: str) -> str:
    """Say whose pods a Service leads to: it may be one of two, for the revisions of a workload."""
    found = services.get(name)
    return str(dig(found.data, "spec", "selector", NAME) or name) if found else name


def _rewrites(artifact: Artifact) -> Iterator[Finding]:
    """Yield what makes a service see another path than the world asked for."""
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
            "lead past it; remove it, services know their paths",
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
        if parents and all(each.get("kind") == "Service" for each in parents):
            continue  # of a mesh: nobody comes in by it
        for rule in dig(artifact.data, "spec", "rules") or ():
            backends = rule.get("backendRefs") or ()
            matches: Any = rule.get("matches") or ({},)
            for path in (dig(each, "path", "value") for each in matches):
                for host in dig(artifact.data, "spec", "hostnames") or ("",):
                    for end in backends:
                        name, port = str(end.get("name")), end.get("port")
                        yield Rule(artifact, host, path or "/", name, port)


def _canaries(subject: Subject) -> Iterator[Rule]:
    """Yield the ways in by the VirtualService that Flagger makes of a Canary."""
    for name, artifact in flagged(subject).items():
        service = dig(artifact.data, "spec", "service") or {}
        matches: Any = service.get("match") or ({},)
        for host in service.get("hosts") or ():
            for path in (dig(each, "uri", "prefix") for each in matches):
                if host != name and "." in host and path:
                    yield Rule(artifact, host, path, name, service.get("port"))


GATE = Gate(
    id="NET003",
    title="The entry leads each public address to its service and keeps its path",
    phase="kubernetes",
    source="a roadmap's own Ingress rewrites every path to /, so that nothing below it answers",
    check=check,
    targets=("cluster",),
    looks_at="rules of Ingress, HTTPRoute and Canary objects, beside `public` of each service. "
    "A redirect from http to https has no backend and is not judged.",
)
