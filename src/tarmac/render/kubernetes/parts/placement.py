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


#: Of a node that is lost, until its pods are made elsewhere; Kubernetes' own default is 300 s
#: (kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions).
LOST_NODE_S = 30


def lost_node(workload: Workload) -> dict[str, Any]:
    """Tolerate a lost node only briefly, so that its pods are soon recreated elsewhere.

    One with a disk is left to the default: its node may still write there.
    """
    if workload.volumes:
        return {}
    return {
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{why}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": LOST_NODE_S,
            }
            for why in ("not-ready", "unreachable")
        ]
    }


def beside(workload: Workload) -> dict[str, Any]:
    """Put a pod on the node of its workload's, where their disk is."""
    near = {
        "labelSelector": {"matchLabels": selector(workload.name)},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [near]}}}
