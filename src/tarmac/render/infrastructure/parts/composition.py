"""What Crossplane makes for a claim of a database: an Aurora cluster, and one instance of a class.

Encrypted, with backups and without deletion, as Terraform makes those of `servers`. Its resources
are those of Crossplane's provider for RDS.
"""

from __future__ import annotations

from typing import Any

from tarmac.model.infrastructure import Claims, ManagedServer
from tarmac.plan.cloud import CloudInfrastructure
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.infrastructure.parts.claims import KIND, POSTGRESQL, VERSION, group

#: The provider's namespaced kinds: what they make and their Secrets stand beside the claim.
RDS = "rds.aws.m.upbound.io/v1beta1"
#: Aurora's version, where no server of the environment names one.
DEFAULT_VERSION = "17"


def composition(plan: ClusterPlan, cloud: CloudInfrastructure, offered: Claims) -> dict[str, Any]:
    """Return what is made for a claim: an Aurora cluster and one instance of the size's class."""
    own = next((server for server in cloud.servers if server.name == "aurora"), None)
    size = own.size if own else ManagedServer(instance="db.t4g.medium")
    version = own.version if own else DEFAULT_VERSION
    base = {"region": cloud.region, "engine": "aurora-postgresql"}
    # Terraform's own group of subnets. A security group is known by its ID in AWS alone: without
    # one AWS takes the VPC's default, which the platform team opens or replaces.
    group_name = f"{cloud.project}-{plan.environment}-{own.name}" if own else None
    subnets = {"dbSubnetGroupName": group_name} if group_name else {}
    cluster = {
        **base,
        "engineVersion": version,
        "masterUsername": "postgres",
        "autoGeneratePassword": True,
        "masterPasswordSecretRef": {"key": "password"},
        "storageEncrypted": True,
        "backupRetentionPeriod": size.backups,
        "deletionProtection": cloud.protected,
        "skipFinalSnapshot": not cloud.protected,
        **subnets,
    }
    instance = {
        **base,
        "clusterIdentifierSelector": {"matchControllerRef": True},
        "publiclyAccessible": False,
    }
    by_size = {"type": "map", "map": dict(offered.sizes)}
    patches = [
        {
            "type": "FromCompositeFieldPath",
            "fromFieldPath": "spec.parameters.size",
            "toFieldPath": "spec.forProvider.instanceClass",
            "transforms": [by_size],
        }
    ]
    named = [
        {
            "type": "FromCompositeFieldPath",
            "fromFieldPath": "metadata.name",
            "toFieldPath": f"spec.{path}",
            "transforms": [{"type": "string", "string": {"type": "Format", "fmt": text}}],
        }
        for path, text in (
            ("forProvider.masterPasswordSecretRef.name", "%s-password"),
            ("forProvider.finalSnapshotIdentifier", "%s-final"),
            ("writeConnectionSecretToRef.name", "%s-connection"),
        )
    ]
    resources = [
        {
            "name": "cluster",
            "base": _managed("Cluster", {"forProvider": cluster}),
            "patches": named,
        },
        {
            "name": "instance",
            "base": _managed("ClusterInstance", {"forProvider": instance}),
            "patches": patches,
        },
    ]
    step = {
        "step": "resources",
        "functionRef": {"name": "function-patch-and-transform"},
        "input": {
            "apiVersion": "pt.fn.crossplane.io/v1beta1",
            "kind": "Resources",
            "resources": resources,
        },
    }
    return {
        "apiVersion": "apiextensions.crossplane.io/v1",
        "kind": "Composition",
        "metadata": {"name": f"database-{POSTGRESQL}"},
        "spec": {
            "compositeTypeRef": {"apiVersion": f"{group(plan)}/{VERSION}", "kind": KIND},
            "mode": "Pipeline",
            "pipeline": [step],
        },
    }


def _managed(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": RDS, "kind": kind, "spec": spec}
