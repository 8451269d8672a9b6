"""Spread: the replicas of a service stand in more than one zone, on more than one node."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, running, selects
from tarmac.report import Finding

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield services that one lost zone or node would take away whole."""
    settings, keeping = subject.plan.settings, running(subject)
    for workload in subject.plan.services:
        if (own := keeping.get(workload.name)) is None:
            continue
        path, constraints = own.artifact.path, own.spec.get("topologySpreadConstraints") or ()
        for each in constraints:
            if not selects(each.get("labelSelector"), own.labels) or not each.get("labelSelector"):
                yield Finding(
                    path,
                    f"the spread over {each.get('topologyKey')} counts other pods than its own; "
                    "give it the Deployment's selector",
                )
        keys = {each.get("topologyKey") for each in constraints}
        affinity = dig(own.spec, "affinity", "podAntiAffinity") or {}
        for terms in affinity.values():
            keys |= {
                dig(t, "podAffinityTerm", "topologyKey") or t.get("topologyKey") for t in terms
            }
        for key in (HOST, *((ZONE,) if settings.zones > 1 else ())):
            if workload.scale.most > 1 and key not in keys:
                yield Finding(
                    path,
                    f"{workload.name} has {workload.scale.least} replicas or more, and nothing "
                    f"spreads them over {key}; add a topologySpreadConstraint",
                )
        chosen = own.spec.get("nodeSelector") or {}
        if dict(chosen) != dict(settings.nodes):
            yield Finding(
                path,
                f"nodeSelector is {dict(chosen)}; the environment's nodes are "
                f"{dict(settings.nodes)} ({subject.at('nodes')})",
            )


GATE = Gate(
    id="SCL002",
    title="Replicas are spread over zones and nodes, on the nodes of the environment",
    phase="kubernetes",
    source="replicas on one node are lost with it",
    check=check,
    looks_at="topologySpreadConstraints, anti-affinity and nodeSelector of each service that may "
    "have more than one replica. Whether so many nodes exist is for the cluster to say.",
)
