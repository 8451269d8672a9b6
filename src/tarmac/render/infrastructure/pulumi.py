"""A Pulumi program of an environment that chooses it: the program as it stands, and a stack.

The program is the same in every system and environment; the stack's values are those that
Terraform's variables have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cloud import CloudInfrastructure
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset, assets
from tarmac.render.infrastructure.parts.root_values import root_values
from tarmac.render.renderer import Renderer

#: Below `assets/`, and the folder's name in a tree.
ASSETS, FOLDER = "pulumi", "infrastructure/pulumi"
NOTES = (
    "pulumi stack select --create {environment}, then pulumi preview and pulumi up.",
    "Where the state is: pulumi login s3://BUCKET, once.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the program, its project and its stack, where the model chooses Pulumi."""
    cloud = plan.cloud
    if cloud is None or cloud.by != "pulumi":
        return
    for path in assets(ASSETS):
        yield Artifact(FOLDER + path.removeprefix(ASSETS), asset(path), place=plan.model)
    project = {
        "name": cloud.project,
        "description": f"AWS of {plan.system}",
        "runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": "venv"}},
    }
    yield Artifact(f"{FOLDER}/Pulumi.yaml", project, plan.model)
    tags = {"Project": cloud.project, "Environment": plan.environment, "ManagedBy": "pulumi"}
    config = {
        "aws:region": cloud.region,
        **({"aws:allowedAccountIds": [cloud.account]} if cloud.account else {}),
        "aws:defaultTags": {"tags": tags},
        "environment:values": _values(plan, cloud),
    }
    notes = tuple(note.format(environment=plan.environment) for note in NOTES)
    file = f"{FOLDER}/Pulumi.{plan.environment}.yaml"
    yield Artifact(file, {"config": config}, plan.model, notes)


def _values(plan: ClusterPlan, cloud: CloudInfrastructure) -> dict[str, Any]:
    """Return the values as YAML has them, where an `image` would be one of a container."""
    values: dict[str, Any] = json.loads(json.dumps(root_values(plan, cloud)))
    for group in values["node_groups"].values():
        group["ami_type"] = group.pop("image")
    return values


RENDERER = Renderer(
    id="pulumi",
    phase="infrastructure",
    title="A Pulumi program of the cloud in Python, and the environment's stack",
    render=render,
)
