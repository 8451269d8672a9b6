"""The files of Terraform: root and modules as they stand, and what an environment alone has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.plan.cloud import CloudInfrastructure
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset, assets
from tarmac.render.infrastructure.parts import hcl
from tarmac.render.infrastructure.parts.root_values import root_values, secondary_values

#: Below `assets/`, and the folder's name in a tree.
ASSETS, FOLDER = "terraform", "infrastructure"
BACKEND_NOTES = (
    "Where the state of this environment is: terraform init -backend-config={file}",
    "The bucket is made once for an account, by state/. The lock is a file beside the state; the",
    "DynamoDB table that older guides have for it is deprecated.",
)
SECONDARY_NOTES = (
    "The second region, with a state of its own:",
    "terraform workspace select -or-create {region}",
    "terraform apply {values}-var-file={file}",
    "It takes over with all of its nodes: add -var=pilot_light=false",
)
NO_ACCOUNT = (
    "The registry's name has no account, so the bucket is to be named:",
    "terraform init -backend-config={file} -backend-config=bucket=NAME",
)


def _notes(plan: ClusterPlan, cloud: CloudInfrastructure) -> Iterable[str]:
    for server in cloud.servers:
        yield f"{server.name} holds {', '.join(server.stores)}."
    if cloud.others:
        yield f"Made elsewhere: {', '.join(cloud.others)}."
    if cloud.keeper != plan.environment:
        yield f"The image repositories are kept by {cloud.keeper}: both have one registry."


def own_files(plan: ClusterPlan, cloud: CloudInfrastructure, place: str = "") -> Iterator[Artifact]:
    """Yield what an environment alone has: its values, its second region, where its state is.

    Args:
        place: the folder of all of these below the root; without, they are where Terraform looks.
    """
    folder, given = f"{FOLDER}/{place}", ""
    values, state = f"{plan.environment}.auto.tfvars", "state/state.auto.tfvars"
    if place:
        values, state = "values.tfvars", "state.tfvars"
        given = f"-var-file={place}{values} "

    def file(name: str, content: Mapping[str, hcl.Value], *notes: str) -> Artifact:
        of = {"file": f"{place}{name}", "values": given}
        of["region"] = cloud.standby.region if cloud.standby else ""
        told = tuple(line.format(**of) for line in notes)
        return Artifact(f"{folder}{name}", hcl.values(content), plan.model, told)

    yield file(values, root_values(plan, cloud), *_notes(plan, cloud))
    if cloud.standby:
        yield file("secondary.tfvars", secondary_values(cloud, cloud.standby), *SECONDARY_NOTES)
    bucket: dict[str, hcl.Value] = {
        **({"bucket": cloud.state_bucket} if cloud.state_bucket else {}),
        "region": cloud.region,
    }
    role: dict[str, hcl.Value] = {"role": cloud.role} if cloud.role else {}
    entered: dict[str, hcl.Value] = {"assume_role": {"role_arn": cloud.role}} if cloud.role else {}
    key = f"{plan.environment}/terraform.tfstate"
    backend = {**bucket, "key": key, "encrypt": True, "use_lockfile": True, **entered}
    yield file("backend.hcl", backend, *BACKEND_NOTES, *(() if cloud.state_bucket else NO_ACCOUNT))
    yield file(state, {**bucket, **role})


def root(plan: ClusterPlan) -> Iterator[Artifact]:
    """Yield root and modules, which every environment has alike."""
    for path in assets(ASSETS):
        yield Artifact(FOLDER + path.removeprefix(ASSETS), asset(path), place=plan.model)
