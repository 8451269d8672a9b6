"""The cluster alone as eksctl's ClusterConfig, for a team that makes it without Terraform.

Control plane, its network, node groups, add-ons and the roles of service accounts. Servers, image
repositories, buckets and names are not part of such a file.
"""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.infrastructure.parts import cluster_config
from tarmac.render.renderer import Renderer

FILE = "infrastructure/eksctl.yaml"
NOTES = (
    "eksctl create cluster --dry-run -f eksctl.yaml, then without --dry-run.",
    "It makes the cluster and a network; Terraform would make a second one of the same name.",
)
LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"]


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the file, where the model asks for it."""
    wanted, cloud = plan.settings.infrastructure, plan.cloud
    if wanted is None or cloud is None or not wanted.eksctl:
        return
    tags = {"Project": cloud.project, "Environment": plan.environment, "ManagedBy": "eksctl"}
    file = {
        "apiVersion": "eksctl.io/v1alpha5",
        "kind": "ClusterConfig",
        "metadata": {
            "name": f"{cloud.project}-{plan.environment}",
            "region": cloud.region,
            "version": cloud.kubernetes,
            "tags": tags,
        },
        "availabilityZones": [subnets.zone for subnets in cloud.subnets],
        "vpc": {
            "cidr": cloud.network,
            "nat": {"gateway": "Single" if cloud.nat == 1 else "HighlyAvailable"},
            "clusterEndpoints": {"privateAccess": True, "publicAccess": bool(cloud.api_networks)},
            **({"publicAccessCIDRs": list(cloud.api_networks)} if cloud.api_networks else {}),
        },
        "accessConfig": {"authenticationMode": "API"},
        "cloudWatch": {"clusterLogging": {"enableTypes": LOGS, "logRetentionInDays": 365}},
        "iam": {
            "withOIDC": True,
            "serviceAccounts": [
                cluster_config.account(plan, cloud, role)
                for role in plan.roles.values()
                if role.secrets or role.allows
            ],
        },
        "addons": cluster_config.addons(tags),
        "managedNodeGroups": [cluster_config.nodes(group) for group in cloud.nodes],
    }
    yield Artifact(FILE, file, plan.model, NOTES)


RENDERER = Renderer(
    id="eksctl",
    phase="infrastructure",
    title="The cluster alone as eksctl's ClusterConfig, beside Terraform",
    render=render,
)
