"""Ports: the number in the plan is the one in every object that names it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.charts.templated import is_templated
from tarmac.check.gates.views.monitoring.monitors import Monitor
from tarmac.check.gates.views.network.listening import (
    is_told_ports,
    is_worker,
    listens,
    probed,
    probes,
    targets,
)
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.metadata import NAME, name_of, title
from tarmac.check.gates.views.objects.network_policies import NetworkPolicy
from tarmac.check.gates.views.objects.selectors import Selectors
from tarmac.check.gates.views.objects.services import Service, services
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted_in_files

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload

#: A finding about a port that is named, and not numbered.
BY_NAME = re.compile(r"(?:asks port|sends to targetPort) [a-z]")

_NAMED = re.compile(r"sends to targetPort ([\w-]+)")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each port that differs from its container's or the plan's."""
    keeping, addresses = running(subject), services(subject)
    monitors = Selectors(subject.objects("ServiceMonitor", "PodMonitor"), "selector")
    # One for all pods names no port of one.
    limiting = (e for e in subject.objects("NetworkPolicy") if NetworkPolicy(e).selector)
    policies = Selectors(limiting, "podSelector")
    for workload in subject.plan.workloads:
        if (own := keeping.get(workload.name)) is None:
            continue
        yield from _container(workload, own)
        if workload.name in addresses:
            yield from _service(workload, own, addresses[workload.name])
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
    """Yield probes and addresses with ports that their containers do not have.

    A number is only not declared: a container may listen on it all the same, which is a warning; on
    a name it cannot, and a worker has none. Where its command says so, nothing is said.
    """
    found = PodIndex(pods(files, *SERVING))
    for own in found.kept:
        for finding in probes(own):
            is_named = BY_NAME.search(finding.what) is not None
            if is_named or not is_told_ports(own):
                yield replace(finding, warning=not (is_named or is_worker(own)))
    chosen = {id(service.artifact): held for service, held in _selected(files, found)}
    for service, own in _held(files, found):
        # Pods of another folder may be of another example with the same labels.
        is_near = _folder(service.artifact) == _folder(own.artifact)
        found_all = list(targets(own, service))
        # A chart's own values may leave out a container beside the one that serves.
        is_near = is_near and not (
            is_templated(service.artifact) and len(found_all) < len(service.ports)
        )
        for finding in found_all:
            is_wrong = is_near and BY_NAME.search(finding.what) is not None
            # By a name, those alone are asked that have a port of it.
            named = _NAMED.search(finding.what)
            there = chosen.get(id(service.artifact), ()) if named else ()
            if named and any(named[1] in one.ports for one in there):
                continue
            yield replace(finding, warning=not is_wrong)


def _folder(artifact: Artifact) -> str:
    return artifact.path.rpartition("/")[0]


def _service(workload: Workload, own: Pods, service: Service) -> Iterator[Finding]:
    yield from targets(own, service)
    numbers = {port.number for port in service.ports}
    for number in sorted(set(workload.ports.values()) - numbers):
        yield Finding(
            service.artifact.path,
            f"{title(service.artifact)} lacks port {number}, which its callers use; add it",
        )


def _monitors(monitors: list[Artifact], workload: Workload, own: Pods) -> Iterator[Finding]:
    for artifact in monitors:
        monitor, which = Monitor(artifact), title(artifact)
        for end in monitor.endpoints or monitor.pod_endpoints:
            found = own.port(end.asked)
            if found is None:
                yield Finding(artifact.path, f"{which} asks port {end.asked}, {listens(own)}")
            elif found != workload.metrics and name_of(artifact) == workload.name:
                what = f"{which} asks port {end.asked}; metrics are on {workload.metrics}"
                yield Finding(artifact.path, what)


def _policies(policies: list[Artifact], own: Pods) -> Iterator[Finding]:
    for policy in policies:
        for port in (port for rule in NetworkPolicy(policy).ingress for port in rule.ports):
            if port.first is not None and port.last is None and own.port(port.first) is None:
                what = f"{title(policy)} opens port {port.first}, {listens(own)}"
                yield Finding(policy.path, what)


def _ports(subject: Subject) -> Iterator[object]:
    keeping = running(subject)
    for workload in subject.plan.workloads:
        if (own := keeping.get(workload.name)) is not None:
            yield from {*workload.ports.values(), *own.ports.values()}
            yield from probed(own)


def _asked(files: Files) -> Iterator[object]:
    found = PodIndex(pods(files, *SERVING))
    for own in found.kept:
        yield from probed(own)
    for service, _ in _held(files, found):
        yield from service.ports


def _selected(files: Files, found: PodIndex) -> Iterator[tuple[Service, list[Pods]]]:
    """Yield each Service whose pods are here, with them."""
    for service in map(Service, files.objects("Service")):
        if service.selector and (held := found.selected({"matchLabels": service.selector})):
            yield service, held


def _held(files: Files, found: PodIndex) -> Iterator[tuple[Service, Pods]]:
    """Yield each Service whose pods are here, with the first of them."""
    yield from ((service, held[0]) for service, held in _selected(files, found))


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
