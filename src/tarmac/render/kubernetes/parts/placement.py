"""On which nodes a workload's pods run: apart from each other, or where their disk is."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts.metadata import kept_apart, selector


def spread(plan: ClusterPlan, name: str) -> list[dict[str, Any]]:
    """Spread a workload's pods over zones, then over hosts; none waits because it cannot be.

    Flagger changes what it finds here for its copy, as in the selector: both have the same label.
    """
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": kept_apart(plan, name) or selector(name)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def beside(workload: Workload) -> dict[str, Any]:
    """Put a pod on the node of its workload's, where their disk is."""
    near = {
        "labelSelector": {"matchLabels": selector(workload.name)},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [near]}}}
