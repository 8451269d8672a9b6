"""Services with metrics: they are scraped, and a dashboard shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.dashboards import boards
from tarmac.gates.views.objects import dig, made_by_flagger, name_of, named, selects
from tarmac.gates.views.scope import counted
from tarmac.plan.cluster import Workload
from tarmac.report import Finding, Level

VALUES = "observability/values/kube-prometheus-stack.yaml"
SPEC = ("prometheus", "prometheusSpec")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield services with metrics that are not scraped, or that no dashboard shows."""
    observability = subject.plan.settings.observability
    if observability is None or observability.metrics != "prometheus":
        return
    services = {**named(subject, "Service"), **made_by_flagger(subject)}
    monitors = subject.objects("ServiceMonitor")
    asked = [query for board in boards(subject) for query in board.queries]
    for workload in _measured(subject):
        service = services.get(workload.name)
        own = [monitor for monitor in monitors if service and _finds(monitor, service)]
        if service is None or not own:
            yield Finding(
                workload.place,
                f"{workload.name} has metrics and no ServiceMonitor selects its Service: it is not "
                "scraped; add one that selects its labels in its namespace",
            )
        else:
            yield from _read(workload, service, own)
        if not any(f'service="{workload.name}"' in query for query in asked):
            yield Finding(
                workload.place,
                f'no panel shows {workload.name}; add one that queries service="{workload.name}"',
            )
    yield from _chosen(subject, monitors)


def _finds(monitor: Artifact, service: Artifact) -> bool:
    """Tell whether a monitor selects a Service where that is."""
    space = dig(service.data, "metadata", "namespace")
    own = dig(monitor.data, "metadata", "namespace")
    chosen = dig(monitor.data, "spec", "namespaceSelector") or {}
    spaces = chosen.get("matchNames") or [own]
    labels = dig(service.data, "metadata", "labels") or {}
    selector = dig(monitor.data, "spec", "selector")
    return (chosen.get("any") or space in spaces) and selects(selector, labels)


def _read(workload: Workload, service: Artifact, monitors: list[Artifact]) -> Iterator[Finding]:
    ports = {
        port.get("name"): port.get("port") for port in dig(service.data, "spec", "ports") or ()
    }
    asked = {
        end.get("port"): monitor
        for monitor in monitors
        for end in dig(monitor.data, "spec", "endpoints") or ()
    }
    if any(ports.get(name) == workload.metrics for name in asked):
        return
    for name, monitor in asked.items():
        there = ", ".join(str(port) for port in ports if port) or "none"
        yield Finding(
            monitor.path,
            f"ServiceMonitor {name_of(monitor)} scrapes port '{name}' of {workload.name}, where "
            f"metrics are on {workload.metrics}; its Service has the ports {there}: write its name",
        )


def _chosen(subject: Subject, monitors: tuple[Artifact, ...]) -> Iterator[Finding]:
    """Yield monitors that the Prometheus of the stack's values does not select."""
    values = next((artifact for artifact in subject.artifacts if artifact.path == VALUES), None)
    if values is None:
        return
    spec: Mapping[str, Any] = dig(values.data, *SPEC) or {}
    selector = spec.get("serviceMonitorSelector")
    # The default is not everything: the chart then selects its own release's alone.
    if not selector and spec.get("serviceMonitorSelectorNilUsesHelmValues", True):
        yield Finding(
            values.path,
            "selects the chart's own monitors alone, and none of the system's; set "
            "serviceMonitorSelectorNilUsesHelmValues: false",
        )
        return
    wanted = spec.get("serviceMonitorNamespaceSelector") or {}
    for monitor in monitors:
        labels = dig(monitor.data, "metadata", "labels") or {}
        space = {"kubernetes.io/metadata.name": dig(monitor.data, "metadata", "namespace")}
        if not selects(selector, labels) or not selects(wanted, space):
            yield Finding(
                values.path,
                f"does not select ServiceMonitor {name_of(monitor)} ({monitor.path}); widen "
                "serviceMonitorSelector or serviceMonitorNamespaceSelector",
            )


def _measured(subject: Subject) -> list[Workload]:
    observability = subject.plan.settings.observability
    if observability is None or observability.metrics != "prometheus":
        return []
    return [workload for workload in subject.plan.services if workload.metrics is not None]


GATE = Gate(
    id="OBS021",
    title="Every service with metrics is scraped and has a dashboard",
    phase="observability",
    source="a monitor that is not selected is no error anywhere: its target is just missing",
    check=check,
    scope=counted("services with metrics", _measured),
    level=Level.TESTED,
    targets=("cluster",),
    reads="ServiceMonitors against the Services that they select, the names of ports, the "
    "selectors in the values of kube-prometheus-stack, and the queries of dashboards. Labels of a "
    "namespace other than its name are not known.",
)
