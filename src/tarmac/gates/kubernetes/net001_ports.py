"""Ports: the number in the plan is the one in every object that names it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Files, Gate, Subject
from tarmac.gates.views.listening import listens, probed, probes, targets
from tarmac.gates.views.objects import (
    NAME,
    RUNNING,
    Pods,
    Selectors,
    dig,
    name_of,
    named,
    pods,
    running,
    title,
)  # fmt: skip
from tarmac.gates.views.scope import counted_in_files
from tarmac.plan.cluster import Workload
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each port that differs from its container's or the plan's."""
    keeping = running(subject)
    services = named(subject, "Service")
    monitors = Selectors(subject.objects("ServiceMonitor", "PodMonitor"), "spec", "selector")
    # One for all pods names no port of one.
    policies = Selectors(
        (e for e in subject.objects("NetworkPolicy") if dig(e.data, "spec", "podSelector")),
        "spec", "podSelector",
    )  # fmt: skip
    for workload in subject.plan.workloads:
        if (own := keeping.get(workload.name)) is None:
            continue
        yield from _container(workload, own)
        if workload.name in services:
            yield from _service(workload, own, services[workload.name])
        yield from _monitors(monitors.of({NAME: workload.name}), workload, own)
        yield from _policies(policies.of(own.labels), own)


def _container(workload: Workload, own: Pods) -> Iterator[Finding]:
    path = own.artifact.path
    wanted, there = set(workload.ports.values()), set(own.ports.values())
    for number in sorted(wanted - there):
        yield Finding(path, f"lacks containerPort {number} of {workload.name}; add it")
    for number in sorted(there - wanted):
        yield Finding(
            path,
            f"{title(own.artifact)} listens on {number}, which the model does not name; "
            f"write it in `ports` of {workload.name} ({workload.place}), or remove it here",
        )
    yield from probes(own)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield probes and addresses with ports that their containers do not have."""
    found = [pod for pod in pods(files) if pod.kind in RUNNING]
    for own in found:
        yield from probes(own)
    for service, own in _held(files, found):
        yield from targets(own, service)


def _service(workload: Workload, own: Pods, service: Any) -> Iterator[Finding]:
    yield from targets(own, service)
    offered = dig(service.data, "spec", "ports") or ()
    numbers = {port.get("port") for port in offered}
    for number in sorted(set(workload.ports.values()) - numbers):
        yield Finding(
            service.path,
            f"{title(service)} lacks port {number}, which its callers use; add it",
        )


def _monitors(monitors: list[Artifact], workload: Workload, own: Pods) -> Iterator[Finding]:
    for monitor in monitors:
        scraped = dig(monitor.data, "spec", "endpoints")
        for end in scraped or dig(monitor.data, "spec", "podMetricsEndpoints") or ():
            asked = end.get("targetPort", end.get("port"))
            if own.port(asked) is None:
                yield Finding(monitor.path, f"{title(monitor)} asks port {asked}, {listens(own)}")
            elif own.port(asked) != workload.metrics and name_of(monitor) == workload.name:
                yield Finding(
                    monitor.path,
                    f"{title(monitor)} asks port {asked}; metrics are on {workload.metrics}",
                )


def _policies(policies: list[Artifact], own: Pods) -> Iterator[Finding]:
    for policy in policies:
        for rule in dig(policy.data, "spec", "ingress") or ():
            for port in rule.get("ports") or ():
                asked = port.get("port")
                if asked is not None and "endPort" not in port and own.port(asked) is None:
                    yield Finding(
                        policy.path, f"{title(policy)} opens port {asked}, {listens(own)}"
                    )


def _ports(subject: Subject) -> Iterator[object]:
    keeping = running(subject)
    for workload in subject.plan.workloads:
        if (own := keeping.get(workload.name)) is not None:
            yield from {*workload.ports.values(), *own.ports.values()}
            yield from probed(own)


def _asked(files: Files) -> Iterator[object]:
    found = [own for own in pods(files) if own.kind in RUNNING]
    for own in found:
        yield from probed(own)
    for service, _ in _held(files, found):
        yield from dig(service.data, "spec", "ports") or ()


def _held(files: Files, found: list[Pods]) -> Iterator[tuple[Artifact, Pods]]:
    """Yield each Service whose pods are here, with some of them."""
    for service in files.objects("Service"):
        selector = dig(service.data, "spec", "selector")
        held = (own for own in found if selector and selector.items() <= own.labels.items())
        yield from ((service, own) for own in itertools.islice(held, 1))


GATE = Gate(
    id="NET001",
    title="Container, Service, probes, policies and monitors name the ports of the plan",
    phase="kubernetes",
    source="a port that differs in one of six files is found only when nothing answers",
    check=check,
    scope=counted_in_files("ports", _asked, _ports),
    of_files=of_files,
    reads="containerPort, probes, Service port and targetPort, the ports that a NetworkPolicy "
    "opens and those that a ServiceMonitor asks. Backends of routes: NET003. Of files without a "
    "plan: probes and targetPort.",
)
