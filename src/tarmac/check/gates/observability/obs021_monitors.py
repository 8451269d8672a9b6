"""Services with metrics: they are scraped, and a dashboard shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.dashboards import boards
from tarmac.check.gates.views.monitoring.monitors import Monitor, stack_values
from tarmac.check.gates.views.objects.selectors import selects
from tarmac.check.gates.views.objects.services import Service, services
from tarmac.check.gates.views.scope import counted
from tarmac.check.gates.views.trials.canaries import services_of_flagger

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload


def check(subject: Subject) -> Iterator[Finding]:
    """Yield services with metrics that are not scraped, or that no dashboard shows."""
    observability = subject.plan.settings.observability
    if observability is None or observability.metrics != "prometheus":
        return
    there = {**services(subject), **services_of_flagger(subject)}
    monitors = [Monitor(artifact) for artifact in subject.objects("ServiceMonitor")]
    asked = [
        query for board in boards(subject) for panel in board.panels for query in panel.queries
    ]
    for workload in _measured(subject):
        service = there.get(workload.name)
        own = [monitor for monitor in monitors if service and monitor.finds(service)]
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


def _read(workload: Workload, service: Service, monitors: list[Monitor]) -> Iterator[Finding]:
    ports = {port.name: port.number for port in service.ports}
    asked = {end.port: monitor for monitor in monitors for end in monitor.endpoints}
    if any(ports.get(name) == workload.metrics for name in asked):
        return
    for name, monitor in asked.items():
        there = ", ".join(str(port) for port in ports if port) or "none"
        yield Finding(
            monitor.artifact.path,
            f"ServiceMonitor {monitor.metadata.name} scrapes port '{name}' of {workload.name}, "
            f"where metrics are on {workload.metrics}; its Service has the ports {there}: write "
            "its name",
        )


def _chosen(subject: Subject, monitors: list[Monitor]) -> Iterator[Finding]:
    """Yield monitors that the Prometheus of the stack's values does not select."""
    values = stack_values(subject)
    if values is None:
        return
    # The default is not everything: the chart then selects its own release's alone.
    if not values.monitors and values.selects_own_release:
        yield Finding(
            values.artifact.path,
            "selects the chart's own monitors alone, and none of the system's; set "
            "serviceMonitorSelectorNilUsesHelmValues: false",
        )
        return
    for monitor in monitors:
        own = monitor.metadata
        space = {"kubernetes.io/metadata.name": own.namespace} if own.namespace else {}
        if not selects(values.monitors, own.labels) or not selects(values.namespaces, space):
            yield Finding(
                values.artifact.path,
                f"does not select ServiceMonitor {own.name} ({monitor.artifact.path}); widen "
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
    source=(
        "Prometheus reports no error for a monitor that it does not select: the target is missing"
    ),
    check=check,
    scope=counted("services with metrics", _measured),
    level=Level.TESTED,
    targets=("cluster",),
    reads="ServiceMonitors against the Services that they select, the names of ports, the "
    "selectors in the values of kube-prometheus-stack, and the queries of dashboards. Labels of a "
    "namespace other than its name are not known.",
)
