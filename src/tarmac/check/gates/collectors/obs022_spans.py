"""Spans: the collector that services send them to exists, and they can reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tarmac.base.foreign.reading import fields, flag
from tarmac.base.launch import is_secret, redact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.network.peers import Peer
from tarmac.check.gates.views.network.policies import Policies
from tarmac.check.gates.views.objects.metadata import NAME
from tarmac.check.gates.views.scope import counted
from tarmac.model import conventions

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload

VALUES = "observability/values/"
#: Charts whose values name their receiver of OTLP over HTTP, and how.
RECEIVERS = {
    "opentelemetry-collector": ("config", "receivers", "otlp", "protocols", "http"),
    "datadog": ("datadog", "otlp", "receiver", "protocols", "http"),
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield services whose spans are lost."""
    taken = dict(span_receivers(subject))
    policies = Policies(subject.objects("NetworkPolicy"))
    for workload, address, place in _sending(subject):
        if what := _lost(subject, workload, address, taken, policies):
            yield Finding(place, what)


def _lost(
    subject: Subject, workload: Workload, address: str, taken: dict[str, int], policies: Policies
) -> str:
    """Return why a service's spans do not arrive; empty where they do, as far as can be seen."""
    plan, parts = subject.plan, urlsplit(address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    sends = f"{workload.name} sends its spans to {host}:{port}"
    name, space = _inside(host, plan.namespace)
    if not space:
        named = (
            edge.port == port and host in plan.externals.get(edge.target, ())
            for edge in plan.allowed
            if edge.source == workload.name and edge.target_role == "external"
        )
        lost = (
            f"{sends}, and nothing allows it; name that host under `externals` and at the service"
        )
        return "" if any(named) else lost
    own = space == plan.namespace and name in {workload.name for workload in plan.workloads}
    if space == plan.settings.monitoring and taken.get(name) != port:
        there = ", ".join(f"{receiver}:{number}" for receiver, number in sorted(taken.items()))
        return (
            f"{sends}, and no chart's values have a receiver there ({there or 'there is none'}); "
            "choose a trace store under `observability`, or correct the address"
        )
    target = Peer(name, {NAME: name} if own else None, space)
    if policies.holds(Peer(workload.name, {NAME: workload.name}, plan.namespace), target, port):
        return (
            f"{sends}, and the policies block it; choose a trace store under "
            "`observability`, or allow that egress"
        )
    return ""


def _inside(host: str, namespace: str) -> tuple[str, str]:
    """Split the name of a Service into it and its namespace; no namespace for a host elsewhere."""
    name, _, rest = host.partition(".")
    space, _, domain = rest.partition(".")
    if not rest:
        return name, namespace
    return (name, space) if not domain or domain.split(".")[0] == "svc" else (host, "")


def _sending(subject: Subject) -> Iterator[tuple[Workload, str, str]]:
    """Yield the services that send spans, with the address and where that is said."""
    for workload in subject.plan.services:
        setting = workload.env.get(conventions.SPANS_TO)
        if setting is not None and not is_secret(setting.value):
            place = workload.place if setting.origin.startswith("Tarmac") else setting.origin
            yield workload, redact(setting.value), place


def span_receivers(files: Files) -> Iterator[tuple[str, int]]:
    """Yield the Services that the values of charts make for spans, each with its port."""
    for artifact in files.artifacts:
        chart = artifact.path.removeprefix(VALUES).removesuffix(".yaml")
        if artifact.path.startswith(VALUES) and chart in RECEIVERS:
            receiver = fields(artifact.data, *RECEIVERS[chart])
            port = str(receiver.get("endpoint") or "").rpartition(":")[2]
            if flag(receiver, "enabled") is not False and port.isdecimal() and len(port) < 6:
                yield str(artifact.data.get("fullnameOverride") or chart), int(port)


GATE = Gate(
    id="OBS022",
    title="Spans have a reachable collector",
    phase="observability",
    source="a missing collector fails no request: the traces are lost silently",
    check=check,
    scope=counted("services that send spans", _sending),
    targets=("cluster",),
    reads="OTEL_EXPORTER_OTLP_ENDPOINT of each service, the values of the collector and of "
    "Datadog's agent, NetworkPolicies and `externals`. Whether what listens in another namespace "
    "is a collector cannot be seen.",
)
