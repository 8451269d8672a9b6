"""Spans: what services are told to send them to is there, and they may reach it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import NAME, dig
from tarmac.gates._policies import Peer, Policies
from tarmac.launch import is_secret, redact
from tarmac.model import conventions
from tarmac.plan.cluster import Workload
from tarmac.report import Finding

VALUES = "observability/values/"
#: Charts whose values say where they take OTLP over HTTP, and how.
RECEIVERS = {
    "opentelemetry-collector": ("config", "receivers", "otlp", "protocols", "http"),
    "datadog": ("datadog", "otlp", "receiver", "protocols", "http"),
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield services whose spans get nowhere."""
    taken = dict(_taken(subject))
    policies = Policies(subject.objects("NetworkPolicy"))
    for workload in subject.plan.services:
        setting = workload.env.get(conventions.SPANS_TO)
        if setting is None or is_secret(setting.value):
            continue
        place = workload.place if setting.origin.startswith("Tarmac") else setting.origin
        if what := _lost(subject, workload, redact(setting.value), taken, policies):
            yield Finding(place, what)


def _taken(subject: Subject) -> Iterator[tuple[str, int]]:
    """Yield the Services that the values of charts make for spans, each with its port."""
    for artifact in subject.artifacts:
        chart = artifact.path.removeprefix(VALUES).removesuffix(".yaml")
        if artifact.path.startswith(VALUES) and chart in RECEIVERS:
            receiver = dig(artifact.data, *RECEIVERS[chart]) or {}
            port = str(receiver.get("endpoint", "")).rpartition(":")[2]
            if receiver.get("enabled", True) and port.isdigit():
                yield str(artifact.data.get("fullnameOverride") or chart), int(port)


def _lost(
    subject: Subject, workload: Workload, address: str, taken: dict[str, int], policies: Policies
) -> str:
    """Say why a service's spans do not arrive; empty where they do, as far as can be seen."""
    plan, parts = subject.plan, urlsplit(address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    sends = f"{workload.name} sends its spans to {host}:{port}"
    name, space = _inside(host, plan.namespace)
    if not space:
        named = (
            each.port == port and host in plan.externals.get(each.target, ())
            for each in plan.allowed
            if each.source == workload.name and each.target_role == "external"
        )
        lost = f"{sends}, and nothing lets it; name that host under `externals` and at the service"
        return "" if any(named) else lost
    own = space == plan.namespace and name in {each.name for each in plan.workloads}
    if space == plan.settings.monitoring and taken.get(name) != port:
        there = ", ".join(f"{each}:{number}" for each, number in sorted(taken.items()))
        return (
            f"{sends}, and no chart's values have something listen there ({there or 'none does'}); "
            "say under `observability` what keeps traces, or correct the address"
        )
    target = Peer(name, {NAME: name} if own else None, space)
    if policies.holds(Peer(workload.name, {NAME: workload.name}, plan.namespace), target, port):
        return (
            f"{sends}, and the policies do not let it; say under `observability` what keeps "
            "traces, or open its egress to there"
        )
    return ""


def _inside(host: str, namespace: str) -> tuple[str, str]:
    """Split the name of a Service into it and its namespace; no namespace for a host elsewhere."""
    name, _, rest = host.partition(".")
    space, _, domain = rest.partition(".")
    if not rest:
        return name, namespace
    return (name, space) if not domain or domain.split(".")[0] == "svc" else (host, "")


GATE = Gate(
    id="OBS022",
    title="Spans are sent to something that is there and may be reached",
    phase="observability",
    source="a collector that is not there fails no request: nobody sees that there are no traces",
    check=check,
    targets=("cluster",),
    looks_at="OTEL_EXPORTER_OTLP_ENDPOINT of each service, the values of the collector and of "
    "Datadog's agent, NetworkPolicies and `externals`. Whether what listens in another namespace "
    "is a collector cannot be seen.",
)
