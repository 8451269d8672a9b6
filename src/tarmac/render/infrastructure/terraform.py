"""Terraform of an environment: root and modules as they stand, and this environment's values.

The root is the same in every system and environment, so that two environments differ by their
values alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cloud import CloudInfrastructure
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset, assets
from tarmac.render.infrastructure.parts import hcl
from tarmac.render.infrastructure.parts.root_values import root_values, secondary_values
from tarmac.render.renderer import Renderer

#: Below `assets/`, and the folder's name in a tree.
ASSETS, FOLDER = "terraform", "infrastructure"
BACKEND_NOTES = (
    "Where the state of this environment is: terraform init -backend-config=backend.hcl",
    "The bucket is made once for an account, by state/. The lock is a file beside the state; the",
    "DynamoDB table that older guides have for it is deprecated.",
)
SECONDARY_NOTES = (
    "The second region, with a state of its own:",
    "terraform workspace select -or-create {region}",
    "terraform apply -var-file=secondary.tfvars",
    "It takes over with all of its nodes: add -var=pilot_light=false",
)
NO_ACCOUNT = (
    "The registry's name has no account, so the bucket is to be named:",
    "terraform init -backend-config=backend.hcl -backend-config=bucket=NAME",
)


def _notes(plan: ClusterPlan, cloud: CloudInfrastructure) -> Iterable[str]:
    for server in cloud.servers:
        yield f"{server.name} holds {', '.join(server.stores)}."
    if cloud.others:
        yield f"Made elsewhere: {', '.join(cloud.others)}."
    if cloud.keeper != plan.environment:
        yield f"The image repositories are kept by {cloud.keeper}: both have one registry."


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield root, modules, values and backend, where the model says what the cloud holds."""
    cloud = plan.cloud
    if cloud is None or cloud.by != "terraform":
        return
    for path in assets(ASSETS):
        yield Artifact(FOLDER + path.removeprefix(ASSETS), asset(path), place=plan.model)
    given = hcl.values(root_values(plan, cloud))
    file = f"{FOLDER}/{plan.environment}.auto.tfvars"
    yield Artifact(file, given, plan.model, tuple(_notes(plan, cloud)))
    if cloud.standby:
        second = hcl.values(secondary_values(cloud, cloud.standby))
        notes = tuple(line.format(region=cloud.standby.region) for line in SECONDARY_NOTES)
        yield Artifact(f"{FOLDER}/secondary.tfvars", second, plan.model, notes)
    bucket: dict[str, hcl.Value] = {
        **({"bucket": cloud.state_bucket} if cloud.state_bucket else {}),
        "region": cloud.region,
    }
    role: dict[str, hcl.Value] = {"role": cloud.role} if cloud.role else {}
    entered: dict[str, hcl.Value] = {"assume_role": {"role_arn": cloud.role}} if cloud.role else {}
    key = f"{plan.environment}/terraform.tfstate"
    backend = {**bucket, "key": key, "encrypt": True, "use_lockfile": True, **entered}
    notes = BACKEND_NOTES if cloud.state_bucket else (*BACKEND_NOTES, *NO_ACCOUNT)
    yield Artifact(f"{FOLDER}/backend.hcl", hcl.values(backend), plan.model, notes)
    yield Artifact(f"{FOLDER}/state/state.auto.tfvars", hcl.values({**bucket, **role}), plan.model)


RENDERER = Renderer(
    id="terraform",
    phase="infrastructure",
    title="Terraform of the cloud: root, modules, the environment's values and its backend",
    render=render,
)
