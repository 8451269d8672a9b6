"""Limits: what no public service would take is refused at the ingress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, items, mappings, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.metadata import metadata
from tarmac.check.gates.views.scope import counted
from tarmac.plan.ingress_limits import ingress_limits

#: Of the community's ingress-nginx, and of F5's controller of the same class.
BODY = ("nginx.ingress.kubernetes.io/proxy-body-size", "nginx.org/client-max-body-size")
RATE = ("nginx.ingress.kubernetes.io/limit-rps", "nginx.org/limit-req-rate")
RATE_FILTER = "LocalRateLimit"

NGINX_BODY = "nginx.ingress.kubernetes.io/proxy-body-size and nginx.org/client-max-body-size"
NGINX_RATE = "nginx.ingress.kubernetes.io/limit-rps and nginx.org/limit-req-rate"
#: What is written where, for bodies and for rates, by the class of the ingress.
ADVICE = {
    "nginx": (f"annotate its Ingress with {NGINX_BODY}", f"annotate its Ingress with {NGINX_RATE}"),
    "istio": (
        "add an EnvoyFilter with a route that answers 413 to a longer Content-Length",
        "add an EnvoyFilter with a LocalRateLimit for each remote_address",
    ),
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield public hosts before which nothing bounds bodies or rates."""
    limits = ingress_limits(subject.plan)
    body, rate = ADVICE.get(subject.plan.settings.ingress.controller, ("", ""))
    read = istio_limits if subject.plan.settings.ingress.controller == "istio" else nginx_limits
    found = list(read(subject))
    for host in _public(subject):
        own = [one for one in found if one.host == host or one.host.startswith(f"{host}:")]
        place = own[0].artifact.path if own else subject.at()
        if limits.body_bytes and not _all(own, "body"):
            yield Finding(place, f"no ingress bounds the bodies of requests to {host}; {body}")
        if limits.per_second and not _all(own, "rate"):
            yield Finding(place, f"no ingress bounds the rate of requests to {host}; {rate}")


def _all(found: list[HostLimits], what: str) -> bool:
    """Tell whether every port of a host has a limit."""
    by_port: dict[str, bool] = {}
    for one in found:
        by_port[one.host] = by_port.get(one.host, False) or getattr(one, what)
    return bool(by_port) and all(by_port.values())


def _public(subject: Subject) -> list[str]:
    settings = subject.plan.settings
    if settings.target == "compose" or settings.ingress.controller not in ADVICE:
        return []
    return list(subject.plan.public_hosts)


@dataclass(frozen=True)
class HostLimits:
    """A host and port, or a host alone, and which limits an object has for it."""

    artifact: Artifact
    host: str
    body: bool
    rate: bool


def nginx_limits(files: Files) -> Iterator[HostLimits]:
    """Yield what Ingresses of the class nginx limit, host by host."""
    for artifact in files.objects("Ingress"):
        if text(artifact.data, "spec", "ingressClassName") == "nginx":
            notes = metadata(artifact).annotations
            body, rate = (any(_more_than_0(notes.get(n)) for n in names) for names in (BODY, RATE))
            for rule in items(artifact.data, "spec", "rules"):
                yield HostLimits(artifact, text(rule, "host") or "", body, rate)


def istio_limits(files: Files) -> Iterator[HostLimits]:
    """Yield what patches of Istio's gateway limit, by host and port, patch by patch."""
    for artifact in files.objects("EnvoyFilter"):
        for patch in mappings(dig(artifact.data, "spec", "configPatches")):
            host = dig(patch, "match", "routeConfiguration", "vhost", "name")
            value = dig(patch, "patch", "value")
            if isinstance(host, str):
                refuses = dig(value, "direct_response", "status") == 413
                yield HostLimits(artifact, host, refuses, _limits_rate(value))


def _more_than_0(value: Any) -> bool:
    return str(value or "").strip("0 r/s") != ""


def _limits_rate(value: Any) -> bool:
    """Tell whether a filter has a bucket for each address."""
    filters = fields(value, "typed_per_filter_config").values()
    return any(
        RATE_FILTER in str(dig(one, "@type")) and bool(dig(one, "descriptors")) for one in filters
    )


GATE = Gate(
    id="SEC010",
    title="The ingress bounds the bodies and the rate of requests",
    phase="security",
    source="OWASP API4:2023, unrestricted resource consumption: what reaches a service has cost "
    "it a connection, a parse and a refusal",
    check=check,
    scope=counted("public hosts", _public),
    reads="annotations of an Ingress of the class nginx, patches of an EnvoyFilter, and the "
    "limits of the public services (MAX_BODY_BYTES, RATE_LIMIT_PER_MINUTE; 0 is not a limit).",
)
