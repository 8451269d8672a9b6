"""Disks of services: what a service keeps besides its stores."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts import disks
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.renderer import Renderer


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield a claim for each volume of a service; a service with one has a single pod."""
    for workload in plan.services:
        for claim in disks.claims(workload).values():
            body = {"spec": disks.disk(workload)}
            yield an_object(plan, "v1", "PersistentVolumeClaim", claim, body, of=workload)


RENDERER = Renderer(
    id="k8s-volumes",
    phase="data",
    title="PersistentVolumeClaim of each volume of a service",
    render=render,
)
