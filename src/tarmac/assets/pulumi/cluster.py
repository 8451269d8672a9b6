"""EKS. Rights in it are given by access entries; a pod has a role by its service account alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from network import Network, document, trusted

MANAGED = "arn:aws:iam::aws:policy"
LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
NODE_POLICIES = (
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
)


@dataclass(frozen=True)
class Cluster:
    """What others refer to."""

    eks: aws.eks.Cluster
    #: Every node has it beside the cluster's own: stores let in what has it.
    nodes: aws.ec2.SecurityGroup
    #: What roles of service accounts trust.
    provider: aws.iam.OpenIdConnectProvider


def make_cluster(name: str, values: dict[str, Any], network: Network) -> Cluster:
    """Make the control plane, the groups of nodes and the addons."""
    eks = _control_plane(name, values, network)
    # By it a service account has a role.
    provider = aws.iam.OpenIdConnectProvider(
        name, url=eks.identities[0].oidcs[0].issuer, client_id_lists=["sts.amazonaws.com"]
    )
    # It needs no rule.
    nodes = aws.ec2.SecurityGroup(
        "nodes",
        name=f"{name}-nodes",
        description=f"Nodes of the cluster {name}",
        vpc_id=network.vpc.id,
        tags={"Name": f"{name}-nodes"},
    )
    cluster = Cluster(eks, nodes, provider)
    groups = _groups(name, values, network, cluster)
    _addons(name, values, cluster, groups)
    return cluster


def _control_plane(name: str, values: dict[str, Any], network: Network) -> aws.eks.Cluster:
    key = aws.kms.Key(
        "eks",
        description=f"Secrets of the cluster {name}, as etcd keeps them",
        enable_key_rotation=True,
        deletion_window_in_days=30,
    )
    role = aws.iam.Role(
        "cluster", name=f"{name}-cluster", assume_role_policy=trusted("eks.amazonaws.com")
    )
    attached = aws.iam.RolePolicyAttachment(
        "cluster", role=role.name, policy_arn=f"{MANAGED}/AmazonEKSClusterPolicy"
    )
    actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"]
    secrets = aws.iam.RolePolicy(
        "cluster-secrets",
        name="secrets",
        role=role.name,
        policy=key.arn.apply(lambda arn: document(actions, [arn])),
    )
    # EKS would make it, and keep it for ever.
    logs = aws.cloudwatch.LogGroup("eks", name=f"/aws/eks/{name}/cluster", retention_in_days=365)
    networks = values["api_networks"]
    return aws.eks.Cluster(
        name,
        name=name,
        version=values["kubernetes_version"],
        role_arn=role.arn,
        enabled_cluster_log_types=LOGS,
        access_config={
            "authentication_mode": "API",
            "bootstrap_cluster_creator_admin_permissions": True,
        },
        encryption_config={"resources": ["secrets"], "provider": {"key_arn": key.arn}},
        vpc_config={
            "subnet_ids": [subnet.id for subnet in network.private],
            "endpoint_private_access": True,
            "endpoint_public_access": bool(networks),
            "public_access_cidrs": networks or None,
        },
        opts=pulumi.ResourceOptions(depends_on=[attached, secrets, logs]),
    )


def _groups(
    name: str, values: dict[str, Any], network: Network, cluster: Cluster
) -> list[aws.eks.NodeGroup]:
    role = aws.iam.Role(
        "node", name=f"{name}-node", assume_role_policy=trusted("ec2.amazonaws.com")
    )
    attached = [
        aws.iam.RolePolicyAttachment(policy, role=role.name, policy_arn=f"{MANAGED}/{policy}")
        for policy in NODE_POLICIES
    ]
    return [
        _group(group, given, values, role, (network, cluster), attached)
        for group, given in values["node_groups"].items()
    ]


def _group(
    group: str,
    given: dict[str, Any],
    values: dict[str, Any],
    role: aws.iam.Role,
    place: tuple[Network, Cluster],
    attached: list[aws.iam.RolePolicyAttachment],
) -> aws.eks.NodeGroup:
    network, cluster = place
    own = cluster.eks.vpc_config.cluster_security_group_id
    template = aws.ec2.LaunchTemplate(
        group,
        update_default_version=True,
        vpc_security_group_ids=[own, cluster.nodes.id],
        # IMDSv2, and one hop: a pod does not get the node's role.
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        # Bottlerocket keeps its system on the first disk, images and logs on this.
        block_device_mappings=[
            {
                "device_name": "/dev/xvdb",
                "ebs": {
                    "volume_size": given["disk_gb"],
                    "volume_type": "gp3",
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
    )
    spot = {"key": "capacity", "value": "spot", "effect": "NO_SCHEDULE"}
    return aws.eks.NodeGroup(
        group,
        cluster_name=cluster.eks.name,
        node_group_name=group,
        node_role_arn=role.arn,
        subnet_ids=[subnet.id for subnet in network.private],
        version=values["kubernetes_version"],
        ami_type=given["ami_type"],
        instance_types=given["instance_types"],
        capacity_type="SPOT" if given["spot"] else "ON_DEMAND",
        labels={"role": group, **({"capacity": "spot"} if given["spot"] else {})},
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        scaling_config={
            "min_size": given["min"],
            "desired_size": given["desired"],
            "max_size": given["max"],
        },
        update_config={"max_unavailable_percentage": 33},
        # A spot node goes at two minutes' notice: only what tolerates that is there.
        taints=[spot] if given["spot"] else [],
        # An autoscaler owns the number once it runs.
        opts=pulumi.ResourceOptions(
            depends_on=attached, ignore_changes=["scalingConfig.desiredSize"]
        ),
    )


def _addons(
    name: str, values: dict[str, Any], cluster: Cluster, groups: list[aws.eks.NodeGroup]
) -> None:
    role = aws.iam.Role(
        "ebs",
        name=f"{name}-ebs",
        assume_role_policy=trusting(cluster, "kube-system", "ebs-csi-controller-sa"),
    )
    policy = f"{MANAGED}/service-role/AmazonEBSCSIDriverPolicy"
    aws.iam.RolePolicyAttachment("ebs", role=role.name, policy_arn=policy)
    tags = {"Project": values["project"], "Environment": values["environment"]}
    settings = {
        # The agent that enforces the network policies of the rendered objects.
        "vpc-cni": json.dumps({"enableNetworkPolicy": "true"}),
        # EKS has no default class of its own, and claims without one would wait for ever.
        "aws-ebs-csi-driver": json.dumps(
            {"controller": {"extraVolumeTags": tags}, "defaultStorageClass": {"enabled": True}}
        ),
    }
    # Autoscalers read the last one.
    for addon in ("coredns", "kube-proxy", "vpc-cni", "aws-ebs-csi-driver", "metrics-server"):
        aws.eks.Addon(
            addon,
            cluster_name=cluster.eks.name,
            addon_name=addon,
            service_account_role_arn=role.arn if addon == "aws-ebs-csi-driver" else None,
            # A new cluster has the first three already, as EKS sets them up.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="PRESERVE",
            configuration_values=settings.get(addon),
            opts=pulumi.ResourceOptions(depends_on=groups),
        )


def trusting(cluster: Cluster, namespace: str, account: str) -> pulumi.Output[str]:
    """Write the trust of a role that one service account of the cluster takes."""

    def trust(given: list[str]) -> str:
        arn, url = given
        issuer = url.removeprefix("https://")
        statement = {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": arn},
            "Condition": {
                "StringEquals": {
                    f"{issuer}:aud": "sts.amazonaws.com",
                    f"{issuer}:sub": f"system:serviceaccount:{namespace}:{account}",
                }
            },
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    return pulumi.Output.all(cluster.provider.arn, cluster.provider.url).apply(trust)
