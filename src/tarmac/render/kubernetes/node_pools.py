"""Pools of nodes that Karpenter makes and takes away, their machines, and its chart's values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.base.written import duration
from tarmac.plan.cloud import CloudInfrastructure, CloudKarpenter, CloudPool
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.renderer import Renderer

CORE, AWS = "karpenter.sh", "karpenter.k8s.aws"
DISCOVERY = f"{CORE}/discovery"
#: Bottlerocket's own system is on the first disk, images, logs and scratch are on the second.
SYSTEM_DISK, DATA_DISK = "/dev/xvda", "/dev/xvdb"
SYSTEM_GB = 4
NOTES = (
    "helm upgrade --install karpenter oci://public.ecr.aws/karpenter/karpenter --version {version}",
    "  --namespace karpenter --create-namespace --values karpenter.yaml",
)
POOL_NOTES = (
    "Of both kinds Karpenter takes spot nodes while AWS has some. A node that is empty or little",
    "used goes after `consolidateAfter`; beyond `limits` pods wait.",
)
CLASS_NOTES = (
    "The newest image of AWS for the cluster's version: a node of an older one is replaced. By the",
    "tag, which Terraform gives them, Karpenter finds subnets and security groups.",
)


def pool(cloud: CloudInfrastructure, made: CloudPool) -> dict[str, Any]:
    """Write which nodes a pool has, how many, and how long."""
    requirements = {
        f"{CORE}/capacity-type": ["spot", "on-demand"] if made.spot else ["on-demand"],
        "node.kubernetes.io/instance-type": list(made.types),
        "topology.kubernetes.io/zone": [subnets.zone for subnets in cloud.subnets],
        "kubernetes.io/arch": ["arm64" if made.arm else "amd64"],
        "kubernetes.io/os": ["linux"],
    }
    node = {
        "nodeClassRef": {"group": AWS, "kind": "EC2NodeClass", "name": made.name},
        "requirements": [
            {"key": key, "operator": "In", "values": values} for key, values in requirements.items()
        ],
        "expireAfter": duration(made.expires_s, "h"),
    }
    return {
        "template": {"metadata": {"labels": {"role": made.role}}, "spec": node},
        "limits": dict(made.limits),
        "disruption": {
            "consolidationPolicy": "WhenEmptyOrUnderutilized",
            "consolidateAfter": duration(made.empty_s, "s"),
        },
    }


def machine(
    plan: ClusterPlan, cloud: CloudInfrastructure, karpenter: CloudKarpenter, made: CloudPool
) -> dict[str, Any]:
    """Write what a pool's machines are: image, role, disks, and where they stand."""
    tagged = [{"tags": {DISCOVERY: karpenter.cluster}}]
    tags = {"Project": cloud.project, "Environment": plan.environment, "ManagedBy": "karpenter"}
    return {
        "amiFamily": "Bottlerocket",
        "amiSelectorTerms": [{"alias": "bottlerocket@latest"}],
        "role": karpenter.node_role,
        "subnetSelectorTerms": tagged,
        "securityGroupSelectorTerms": tagged,
        "blockDeviceMappings": [_disk(SYSTEM_DISK, SYSTEM_GB), _disk(DATA_DISK, made.disk_gb)],
        # IMDSv2, and one hop: a pod does not get the node's role.
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        },
        # By the last one the budget counts them.
        "tags": {**tags, **({"Budget": karpenter.cluster} if cloud.budget else {})},
    }


def _disk(name: str, size_gb: int) -> dict[str, Any]:
    ebs = {
        "volumeSize": f"{size_gb}Gi",
        "volumeType": "gp3",
        "encrypted": True,
        "deleteOnTermination": True,
    }
    return {"deviceName": name, "ebs": ebs}


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield pools, their machines and the chart's values, where the model has pools."""
    cloud = plan.cloud
    if cloud is None or cloud.karpenter is None:
        return
    karpenter = cloud.karpenter
    for made in karpenter.pools:
        own = {"spec": pool(cloud, made)}
        yield an_object(plan, f"{CORE}/v1", "NodePool", made.name, own, notes=POOL_NOTES)
        own = {"spec": machine(plan, cloud, karpenter, made)}
        yield an_object(plan, f"{AWS}/v1", "EC2NodeClass", made.name, own, notes=CLASS_NOTES)
    given = {"cluster": karpenter.cluster, "role": karpenter.role}
    content = texts.filled_asset("gitops/karpenter.yaml", given)
    notes = tuple(
        line.format(version=versions.read().charts["karpenter"].version) for line in NOTES
    )
    yield Artifact("nodes/values/karpenter.yaml", content, plan.model, notes)


RENDERER = Renderer(
    id="node-pools",
    phase="finops",
    title="Karpenter's NodePools and EC2NodeClasses, and the values of its chart",
    render=render,
)
