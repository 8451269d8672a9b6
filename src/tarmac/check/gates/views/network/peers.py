"""Both ends of connections: workloads, and what is outside of the system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import NAME
from tarmac.check.gates.views.pods.running_pods import running

#: A documentation address (RFC 5737) stands for the internet.
OUTSIDE = "203.0.113.7"
WORLD, MONITORING = "world", "monitoring"


@dataclass(frozen=True)
class Peer:
    """One end of a connection: a pod, or an address outside the cluster."""

    name: str
    #: Its labels; None: a pod whose labels are not ours to know.
    labels: Mapping[str, str] | None = None
    namespace: str = ""
    address: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)


def peers_of(subject: Subject) -> dict[str, Peer]:
    """List both ends of every edge: workloads, what lets the world in, what is elsewhere."""
    plan, keeping = subject.plan, running(subject)
    found = {WORLD: Peer("the ingress", None, plan.settings.ingress.namespace)}
    found[MONITORING] = Peer("the monitoring", None, plan.settings.monitoring)
    for workload in plan.workloads:
        own = keeping.get(workload.name)
        labels = own.labels if own else {NAME: workload.name}
        ports = {**workload.ports, **(own.ports if own else {})}
        found[workload.name] = Peer(workload.name, labels, plan.namespace, ports=ports)
    inside = plan.settings.network.partition("/")[0]
    found |= {store.name: Peer(store.name, address=inside) for store in plan.managed}
    return found | {name: Peer(name, address=OUTSIDE) for name in plan.externals}
