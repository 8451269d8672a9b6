"""The variables of the Terraform root for an environment: assets/terraform/variables.tf."""

from __future__ import annotations

from dataclasses import replace

from tarmac.plan.cloud import CloudInfrastructure, CloudStandby
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.infrastructure.parts import entries, hcl, secret_entries


def root_values(plan: ClusterPlan, cloud: CloudInfrastructure) -> dict[str, hcl.Value]:
    """Return the variables, in the order in which a reader wants them."""
    modules = dict.fromkeys(server.module for server in cloud.servers)
    return {
        "project": cloud.project,
        "environment": plan.environment,
        "account": cloud.account,
        **({"role": cloud.role} if cloud.role else {}),
        "region": cloud.region,
        "protected": cloud.protected,
        "network": cloud.network,
        "zones": [subnets.zone for subnets in cloud.subnets],
        "public_subnets": [subnets.public for subnets in cloud.subnets],
        "private_subnets": [subnets.private for subnets in cloud.subnets],
        "nat_gateways": cloud.nat,
        "kubernetes_version": cloud.kubernetes,
        "api_networks": cloud.api_networks,
        "node_groups": entries.nodes(cloud),
        # A module's servers are a variable of its name.
        **{
            module: {s.name: entries.server(s) for s in cloud.servers if s.module == module}
            for module in modules
        },
        **(
            {"entries": secret_entries.kept(plan)}
            if any(store.made for store in plan.managed)
            else {}
        ),
        "repositories": cloud.repositories,
        **({"buckets": cloud.buckets} if cloud.buckets else {}),
        **({"service_roles": entries.roles(plan)} if plan.roles else {}),
        **({"standby_region": cloud.standby.region} if cloud.standby else {}),
        **({"backup_days": cloud.snapshot_days} if cloud.snapshot_days else {}),
        **({"experiments": entries.experiments(plan, cloud)} if cloud.alarms else {}),
        **({"egress": entries.egress(cloud.egress, cloud.subnets)} if cloud.egress else {}),
        **({"dns": entries.dns(cloud.dns, cloud.standby)} if cloud.dns else {}),
        **({"cdn": entries.cdn(cloud.cdn)} if cloud.cdn else {}),
        **({"karpenter": True} if cloud.karpenter else {}),
        **({"velero": entries.velero(cloud.velero)} if cloud.velero else {}),
        **({"budget": entries.budget(cloud.budget)} if cloud.budget else {}),
    }


def secondary_values(cloud: CloudInfrastructure, standby: CloudStandby) -> dict[str, hcl.Value]:
    """Return what differs in the second region; all else is as in the first one."""
    egress = cloud.egress
    if egress:
        # Its nodes pull from its own registry, to which images are copied.
        own = (f".ecr.{cloud.region}.", f".ecr.{standby.region}.")
        egress = replace(egress, hosts=tuple(host.replace(*own) for host in egress.hosts))
    return {
        "region": standby.region,
        "secondary": True,
        "standby_region": None,
        "pilot_light": standby.pilot,
        "network": standby.network,
        "zones": [subnets.zone for subnets in standby.subnets],
        "public_subnets": [subnets.public for subnets in standby.subnets],
        "private_subnets": [subnets.private for subnets in standby.subnets],
        "nat_gateways": 1,
        **({"egress": entries.egress(egress, standby.subnets)} if egress else {}),
        # Once for an account, or for the names that both regions have.
        "repositories": [],
        "buckets": {},
        "backup_days": None,
        "dns": None,
        "cdn": None,
    }
