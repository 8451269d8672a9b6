"""Spread: the replicas of a service run in more than one zone, on more than one node."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.selectors import selects
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted, running_services

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield services that the loss of one zone or node would stop."""
    settings, keeping = subject.plan.settings, running(subject)
    for workload in subject.plan.services:
        if (own := keeping.get(workload.name)) is None:
            continue
        path, constraints = own.artifact.path, own.spec.spread
        for constraint in constraints:
            if not constraint.selector or not selects(constraint.selector, own.labels):
                yield Finding(
                    path,
                    f"the spread over {constraint.topology_key} counts other pods than its "
                    "own; give it the Deployment's selector",
                )
        keys = {constraint.topology_key for constraint in constraints} | {*own.spec.kept_apart_by}
        for key in (HOST, *((ZONE,) if settings.zones > 1 else ())):
            if workload.scale.most > 1 and key not in keys:
                yield Finding(
                    path,
                    f"{workload.name} has {workload.scale.least} replicas or more, and nothing "
                    f"spreads them over {key}; add a topologySpreadConstraint",
                )
        chosen = own.spec.node_selector
        if chosen != dict(settings.nodes):
            yield Finding(
                path,
                f"nodeSelector is {chosen}; the environment's nodes are "
                f"{dict(settings.nodes)} ({subject.at('nodes')})",
            )


GATE = Gate(
    id="SCL002",
    title="Replicas are spread over zones and nodes, on the nodes of the environment",
    phase="kubernetes",
    source="replicas on one node are lost with it",
    check=check,
    scope=counted("services", running_services),
    reads="topologySpreadConstraints, anti-affinity and nodeSelector of each service that may "
    "have more than one replica. Whether so many nodes exist, only the cluster knows.",
)
