"""Terraform of an environment: root and modules as they stand, and this environment's values.

The root is the same in every system and environment, so that two environments differ by their
values alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.infrastructure.parts.terraform_files import own_files, root
from tarmac.render.renderer import Renderer


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield root, modules, values and backend, where the model says what the cloud holds."""
    cloud = plan.cloud
    if cloud is not None and cloud.by == "terraform":
        yield from root(plan)
        yield from own_files(plan, cloud)


RENDERER = Renderer(
    id="terraform",
    phase="infrastructure",
    title="Terraform of the cloud: root, modules, the environment's values and its backend",
    render=render,
)
