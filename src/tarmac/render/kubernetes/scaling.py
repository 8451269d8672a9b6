"""How many there are: autoscalers, and what stays while nodes are emptied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts.metadata import an_object, selector
from tarmac.render.renderer import Renderer

#: Up at once, since users wait: at most twice as many, or four more, in half a minute. Down only
#: after five quiet minutes, and a tenth of them a minute: a peak that comes again finds them there.
BEHAVIOUR: dict[str, Any] = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Percent", "value": 100, "periodSeconds": 30},
            {"type": "Pods", "value": 4, "periodSeconds": 30},
        ],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 300,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Percent", "value": 10, "periodSeconds": 60},
            {"type": "Pods", "value": 1, "periodSeconds": 60},
        ],
    },
}


def _metric(plan: ClusterPlan, workload: Workload, resource: str, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    if plan.settings.mesh:
        # A sidecar's share is not the service's: an idle one would hide a service that is at its
        # limit.
        measured = {"name": resource, "container": workload.name, "target": target}
        return {"type": "ContainerResource", "containerResource": measured}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}


def autoscaler(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make what owns the number of a service's pods."""
    scale = workload.scale
    percents = {"cpu": scale.cpu, "memory": scale.memory}
    target = {"apiVersion": "apps/v1", "kind": "Deployment"}
    if (
        rollout_controller(plan, workload.name) == "argo"
    ):  # it makes the pods; the Deployment is their template
        target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
    spec = {
        "scaleTargetRef": {**target, "name": workload.name},
        "minReplicas": scale.least,
        "maxReplicas": scale.most,
        "metrics": [
            _metric(plan, workload, name, percent)
            for name, percent in percents.items()
            if percent is not None
        ],
        "behavior": BEHAVIOUR,
    }
    kind, name = "HorizontalPodAutoscaler", workload.name
    return an_object(plan, "autoscaling/v2", kind, name, {"spec": spec}, of=workload)


def budget(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Return how many pods must stay: always fewer than there are, or no node could be drained."""
    spec = {
        "minAvailable": workload.scale.stay,
        "selector": {"matchLabels": selector(workload.name)},
        # One that is broken anyway does not hold up the node that it is on.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    kind, name = "PodDisruptionBudget", workload.name
    return an_object(plan, "policy/v1", kind, name, {"spec": spec}, of=workload)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield an autoscaler where one is wanted, a budget where there is more than one pod.

    A store's one server has no budget: one that let it go would say nothing, and one that did not
    would keep its node from ever being emptied.
    """
    for workload in plan.services:
        if workload.scale.automatic:
            yield autoscaler(plan, workload)
        if workload.scale.least > 1:
            yield budget(plan, workload)


RENDERER = Renderer(
    id="k8s-scaling",
    phase="kubernetes",
    title="HorizontalPodAutoscaler and PodDisruptionBudget of each service",
    render=render,
)
