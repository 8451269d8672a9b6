"""Services that give metrics: they are scraped for real, and somebody can see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates._boards import boards
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, made_by_flagger, name_of, named, selects
from tarmac.plan.cluster import Workload
from tarmac.report import Finding, Level

VALUES = "observability/values/kube-prometheus-stack.yaml"
SPEC = ("prometheus", "prometheusSpec")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield services with metrics that Prometheus does not read, or that no dashboard shows."""
    observability = subject.plan.settings.observability
    if observability is None or observability.metrics != "prometheus":
        return
    services = {**named(subject, "Service"), **made_by_flagger(subject)}
    monitors = subject.objects("ServiceMonitor")
    asked = [query for each in boards(subject) for query in each.queries]
    for workload in subject.plan.services:
        if workload.metrics is None:
            continue
        service = services.get(workload.name)
        own = [each for each in monitors if service and _finds(each, service)]
        if service is None or not own:
            yield Finding(
                workload.place,
                f"{workload.name} gives metrics and no ServiceMonitor finds its Service: nothing "
                "is known of it; make one that selects its labels in its namespace",
            )
        else:
            yield from _read(workload, service, own)
        if not any(f'service="{workload.name}"' in query for query in asked):
            yield Finding(
                workload.place,
                f'no panel shows {workload.name}; make one that asks for service="{workload.name}"',
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
    ports = {each.get("name"): each["port"] for each in dig(service.data, "spec", "ports") or ()}
    asked = {
        end.get("port"): monitor
        for monitor in monitors
        for end in dig(monitor.data, "spec", "endpoints") or ()
    }
    if any(ports.get(name) == workload.metrics for name in asked):
        return
    for name, monitor in asked.items():
        there = ", ".join(str(each) for each in ports if each) or "none"
        yield Finding(
            monitor.path,
            f"ServiceMonitor {name_of(monitor)} asks the port '{name}' of {workload.name}, where "
            f"metrics are on {workload.metrics}; its Service has the ports {there}: write its name",
        )


def _chosen(subject: Subject, monitors: tuple[Artifact, ...]) -> Iterator[Finding]:
    """Yield monitors that the Prometheus of the stack's values does not take."""
    values = next((each for each in subject.artifacts if each.path == VALUES), None)
    if values is None:
        return
    spec: Mapping[str, Any] = dig(values.data, *SPEC) or {}
    selector = spec.get("serviceMonitorSelector")
    # Nothing said is not everything: the chart then takes its own release's alone.
    if not selector and spec.get("serviceMonitorSelectorNilUsesHelmValues", True):
        yield Finding(
            values.path,
            "takes the chart's own monitors alone, and none of the system's; set "
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
                f"does not take ServiceMonitor {name_of(monitor)} ({monitor.path}); widen "
                "serviceMonitorSelector or serviceMonitorNamespaceSelector",
            )


GATE = Gate(
    id="OBS021",
    title="Every service with metrics is scraped by a monitor that is taken, and has a dashboard",
    phase="observability",
    source="a monitor that nobody selects is no error anywhere: the target is just not there",
    check=check,
    level=Level.TESTED,
    targets=("cluster",),
    looks_at="ServiceMonitors against the Services that they select, the names of ports, the "
    "selectors in the values of kube-prometheus-stack, and the queries of dashboards. Labels of a "
    "namespace other than its name are not known.",
)
