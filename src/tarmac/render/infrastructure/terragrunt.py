"""Terragrunt's layout of all environments in AWS, in the code's own repository.

A folder for each environment holds its inputs and nothing else of its own; the root and the modules
are those that an environment's own tree has, once for all.
"""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset, assets
from tarmac.render.infrastructure.parts import hcl
from tarmac.render.infrastructure.parts.root_values import root_values, secondary_values
from tarmac.render.renderer import Renderer

#: Below `assets/`: what is Terragrunt's, and the root and modules; and the folder's name in a tree.
LAYOUT, ASSETS, FOLDER = "terragrunt", "terraform", "infra"
#: Of an environment's own tree: a root that makes the bucket of the state.
LEFT_OUT = f"{ASSETS}/state/"
SECONDARY_NOTES = (
    "The second region, with a state of its own:",
    "TF_WORKSPACE={region} terragrunt apply -var-file=secondary.tfvars",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the layout, where the model's `delivery` asks for it."""
    if plan.delivery is None or not plan.delivery.terragrunt:
        return
    for path in assets(ASSETS):
        if not path.startswith(LEFT_OUT):
            yield Artifact(f"{FOLDER}/{path}", asset(path), place=plan.model)
    yield Artifact(f"{FOLDER}/root.hcl", asset(f"{LAYOUT}/root.hcl"), plan.model)
    for name, environment in plan.live.items():
        folder = f"{FOLDER}/envs/{name}"
        unit = asset(f"{LAYOUT}/terragrunt.hcl")
        yield Artifact(f"{folder}/terragrunt.hcl", unit, plan.model)
        if (cloud := environment.cloud) is None:
            continue
        given = root_values(environment, cloud)
        inputs = {key: value for key, value in given.items() if value is not None}
        yield Artifact(f"{folder}/inputs.hcl", hcl.values({"inputs": inputs}), plan.model)
        if cloud.standby:
            second = hcl.values(secondary_values(cloud, cloud.standby))
            notes = tuple(line.format(region=cloud.standby.region) for line in SECONDARY_NOTES)
            yield Artifact(f"{folder}/secondary.tfvars", second, plan.model, notes)


RENDERER = Renderer(
    id="terragrunt",
    phase="infrastructure",
    title="Terragrunt's layout of all environments in AWS, each by its inputs",
    render=render,
    targets=("repository",),
)
