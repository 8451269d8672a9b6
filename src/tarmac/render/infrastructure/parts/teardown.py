"""What removes an environment from AWS: a script of ordered steps, and what of it has data.

The verb `teardown` prints it. It is not part of a tree: a script that deletes everything is not to
lie in a repository beside those that are run every day.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.plan.cloud import CloudInfrastructure
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset
from tarmac.render.gitops.parts import environment

SCRIPT = "teardown/teardown.sh"


@dataclass(frozen=True)
class HeldData:
    """Something that would be lost."""

    what: str
    #: What it holds, for a reader.
    holds: str


def held_data(plan: ClusterPlan, cloud: CloudInfrastructure) -> Iterator[HeldData]:
    """Yield what has data: servers, disks, buckets, snapshots, and images that others start."""
    for server in cloud.servers:
        yield HeldData(f"server {server.name}", ", ".join(server.stores))
    for workload in plan.workloads:
        if workload.volumes:
            yield HeldData(f"disk of {workload.name}", workload.disk)
    for bucket, days in cloud.buckets.items():
        yield HeldData(f"bucket {bucket}", f"objects of {days} days")
    if cloud.cdn:
        yield HeldData(f"bucket {cloud.cdn.bucket}", ", ".join(cloud.cdn.files))
    if cloud.snapshot_days:
        yield HeldData("vault of snapshots", f"those of {cloud.snapshot_days} days")
    users = [name for name in _sharing(plan) if plan.environments[name].registry]
    if cloud.repositories and users:
        count = len(cloud.repositories)
        yield HeldData(f"{count} image repositories", f"{', '.join(users)} start pods from them")


def script(plan: ClusterPlan, cloud: CloudInfrastructure, folder: str) -> str:
    """Write the script.

    Args:
        folder: where the environment's rendered Terraform is, for a reader of the repository.
    """
    given = {
        "SYSTEM": plan.system,
        "ENVIRONMENT": plan.environment,
        "NAME": _name(plan, cloud),
        "FOLDER": shlex.quote(folder),
    }
    text = asset(SCRIPT)
    for key, value in given.items():
        text = text.replace(f"@{key}@", value)
    return text + "\n".join(_steps(plan, cloud)) + "\n"


def _steps(plan: ClusterPlan, cloud: CloudInfrastructure) -> Iterator[str]:
    yield f"protected={int(cloud.protected)}"
    if cloud.account:
        yield f"account {cloud.account}"
    name = _name(plan, cloud)
    clusters = [(cloud.region, name)]
    if cloud.standby:
        clusters.insert(0, (cloud.standby.region, f"{name}-dr"))
    for region, cluster in clusters:
        yield from ("", f'step "{region}: controllers, workloads, load balancers and disks"')
        yield f"if cluster {region} {cluster}; then"
        if plan.settings.gitops is not None and environment.repository(plan):
            yield f"    unfollow {environment.named(plan, f'{plan.system}-root')}"
        yield f"    kubectl delete namespace {plan.namespace} --ignore-not-found --timeout=20m"
        yield from ("    release", "fi")
    bucket = "" if cloud.state_bucket else " -backend-config=bucket=${BUCKET:?that of the state}"
    yield from ("", 'step "Terraform, which asks before each of its steps"')
    yield f'terraform -chdir="$infrastructure" init -backend-config=backend.hcl{bucket}'
    if cloud.standby:
        yield f"destroy {cloud.standby.region} -var-file=secondary.tfvars"
    yield "destroy default"
    yield from ("", *_state(plan, cloud))
    yield f"left {cloud.region} {plan.system}/{plan.environment}/ {name}"


def _state(plan: ClusterPlan, cloud: CloudInfrastructure) -> Iterator[str]:
    """Yield what becomes of the bucket of the state, in which others may have theirs."""
    others = ", ".join(_sharing(plan))
    if not cloud.state_bucket:
        yield 'echo "the bucket of the state stays: its name is not in the model"'
    elif others:
        yield f'echo "{cloud.state_bucket} stays: the state of {others} is in it"'
    else:
        yield 'step "the bucket of the state"'
        yield f"state {cloud.state_bucket} {plan.environment}/terraform.tfstate"


def _sharing(plan: ClusterPlan) -> list[str]:
    """List the other environments of the same registry, and so of the same account and bucket."""
    return [
        name
        for name, other in plan.environments.items()
        if name != plan.environment
        and other.own_infrastructure is not None
        and other.registry == plan.settings.registry
    ]


def _name(plan: ClusterPlan, cloud: CloudInfrastructure) -> str:
    return f"{cloud.project}-{plan.environment}"
