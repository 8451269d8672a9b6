"""Terraform of all environments in AWS, in the code's repository: a folder for each one's values.

Root and modules are those that an environment's own tree has, once for all.
"""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.infrastructure.parts.terraform_files import own_files, root
from tarmac.render.renderer import Renderer

#: Below the root.
ENVIRONMENTS = "environments"


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the layout, where the model's `delivery` asks for it."""
    if plan.delivery is None or not plan.delivery.terraform:
        return
    yield from root(plan)
    for name, environment in plan.live.items():
        if environment.cloud is not None:
            yield from own_files(environment, environment.cloud, f"{ENVIRONMENTS}/{name}/")


RENDERER = Renderer(
    id="terraform-layout",
    phase="infrastructure",
    title="Terraform of all environments in AWS: one root, and a folder for each one's values",
    render=render,
    targets=("repository",),
)
