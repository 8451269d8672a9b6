"""Parts of eksctl's ClusterConfig: node groups, add-ons, roles of service accounts."""

from __future__ import annotations

import json
from typing import Any

from tarmac.plan.cloud import CloudInfrastructure, CloudNodes, CloudRole
from tarmac.plan.cluster import ClusterPlan


def nodes(group: CloudNodes) -> dict[str, Any]:
    """Write a group of nodes."""
    spot = {"capacity": "spot"} if group.spot else {}
    taint = {"key": "capacity", "value": "spot", "effect": "NoSchedule"}
    return {
        "name": group.name,
        "amiFamily": "Bottlerocket",
        "instanceTypes": list(group.types),
        "minSize": group.min,
        "desiredCapacity": group.desired,
        "maxSize": group.max,
        "volumeSize": group.disk_gb,
        "volumeEncrypted": True,
        "privateNetworking": True,
        # A pod does not get the role of its node.
        "disableIMDSv1": True,
        "disablePodIMDS": True,
        "labels": {"role": group.name, **spot},
        **({"spot": True, "taints": [taint]} if group.spot else {}),
    }


def addons(tags: dict[str, str]) -> list[dict[str, Any]]:
    """List those of Terraform's cluster, with the same settings."""
    settings = {"controller": {"extraVolumeTags": tags}, "defaultStorageClass": {"enabled": True}}
    return [
        {"name": "coredns"},
        {"name": "kube-proxy"},
        {"name": "vpc-cni", "configurationValues": json.dumps({"enableNetworkPolicy": "true"})},
        {
            "name": "aws-ebs-csi-driver",
            "wellKnownPolicies": {"ebsCSIController": True},
            "configurationValues": json.dumps(settings),
        },
        {"name": "metrics-server"},
    ]


def account(plan: ClusterPlan, cloud: CloudInfrastructure, role: CloudRole) -> dict[str, Any]:
    """Write the role of a service account; the account itself is among the rendered objects."""
    start = f"arn:aws:secretsmanager:{cloud.region}:{cloud.account or '*'}:secret:"
    reading = {
        "Effect": "Allow",
        "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
        # AWS adds six characters to a name.
        "Resource": [f"{start}{path}-??????" for path in role.secrets],
    }
    allowed = [
        {"Effect": "Allow", "Action": [action], "Resource": list(arns)}
        for action, arns in role.allows.items()
    ]
    statements = [*([reading] if role.secrets else []), *allowed]
    return {
        "metadata": {"name": role.account, "namespace": plan.namespace},
        "roleName": role.name,
        "roleOnly": True,
        "attachPolicy": {"Version": "2012-10-17", "Statement": statements},
    }
