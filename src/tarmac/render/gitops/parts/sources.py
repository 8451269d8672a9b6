"""What an Application is made of: a folder of the rendered tree, in one of three forms."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.gitops.parts import environment
from tarmac.render.gitops.parts.argo_objects import Object

#: Where the chart and the values are that `helm` renders, and what `kustomize` renders.
CHART, VALUES, OVERLAYS = "charts/service", "../values/{}.yaml", "kustomize/overlays"


def source(plan: ClusterPlan, path: str, **more: Any) -> Object:
    """Name a folder of the tree."""
    return {
        "repoURL": environment.repository(plan),
        "targetRevision": environment.settings(plan).revision,
        "path": f"{environment.home(plan)}/{path}",
        **more,
    }


def main_source(plan: ClusterPlan, name: str) -> Object:
    """Name what a service is made of, in the form that the environment asks for.

    Args:
        name: the service's, or what stands for it in the template of a set.
    """
    form = environment.settings(plan).source
    if form == "kustomize":
        return source(plan, f"{OVERLAYS}/{plan.environment}/{name}")
    if form == "helm":
        helm = {"releaseName": name, "valueFiles": [VALUES.format(name)]}
        return source(plan, CHART, helm=helm)
    return source(plan, f"k8s/{name}")
