"""The variables of the Terraform root for an environment: assets/terraform/variables.tf."""

from __future__ import annotations

from tarmac.plan.cloud import CloudInfrastructure, CloudServer
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.infrastructure.parts import hcl


def root_values(plan: ClusterPlan, cloud: CloudInfrastructure) -> dict[str, hcl.Value]:
    """Return the variables, in the order in which a reader wants them."""
    modules = dict.fromkeys(server.module for server in cloud.servers)
    return {
        "project": cloud.project,
        "environment": plan.environment,
        "account": cloud.account,
        "region": cloud.region,
        "protected": cloud.protected,
        "network": cloud.network,
        "zones": [subnets.zone for subnets in cloud.subnets],
        "public_subnets": [subnets.public for subnets in cloud.subnets],
        "private_subnets": [subnets.private for subnets in cloud.subnets],
        "nat_gateways": cloud.nat,
        "kubernetes_version": cloud.kubernetes,
        "api_networks": cloud.api_networks,
        "node_groups": _nodes(cloud),
        # A module's servers are a variable of its name.
        **{
            module: {s.name: _server(s) for s in cloud.servers if s.module == module}
            for module in modules
        },
        "repositories": cloud.repositories,
        **({"buckets": cloud.buckets} if cloud.buckets else {}),
        "secret_readers": {
            reader.name: {"namespace": reader.namespace, "prefix": reader.prefix}
            for reader in cloud.readers
        },
    }


def _nodes(cloud: CloudInfrastructure) -> dict[str, hcl.Value]:
    return {
        group.name: {
            "instance_types": group.types,
            "image": f"BOTTLEROCKET_{'ARM_64' if group.arm else 'x86_64'}",
            "min": group.min,
            "desired": group.desired,
            "max": group.max,
            "disk_gb": group.disk_gb,
            "spot": group.spot,
        }
        for group in cloud.nodes
    }


def _server(server: CloudServer) -> dict[str, hcl.Value]:
    return {
        "version": server.version,
        "instance": server.size.instance,
        "instances": server.size.instances,
        "backup_days": server.size.backups,
        **({} if server.disk_gb is None else {"disk_gb": server.disk_gb}),
    }
