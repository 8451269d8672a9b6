"""Variables of the Terraform root that are objects, each of one part of the plan."""

from __future__ import annotations

from collections.abc import Sequence

from tarmac.plan.cloud import (
    CloudBudget,
    CloudCdn,
    CloudDns,
    CloudEgress,
    CloudInfrastructure,
    CloudServer,
    CloudStandby,
    CloudVelero,
    ZoneSubnets,
)
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.infrastructure.parts import hcl


def nodes(cloud: CloudInfrastructure) -> dict[str, hcl.Value]:
    """Write the groups of nodes."""
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


def velero(velero: CloudVelero) -> dict[str, hcl.Value]:
    """Write what Velero writes to."""
    return {"bucket": velero.bucket, "volumes": velero.volumes}


def egress(egress: CloudEgress, subnets: Sequence[ZoneSubnets]) -> dict[str, hcl.Value]:
    """Write what the firewall on the way out lets through, and where it stands."""
    return {
        "hosts": egress.hosts,
        "firewall_subnets": [zone.firewall for zone in subnets],
        "nat_subnets": [zone.nat for zone in subnets],
    }


def dns(dns: CloudDns, standby: CloudStandby | None) -> dict[str, hcl.Value]:
    """Write the zone, and what is asked for a region's health."""
    return {
        "zone": dns.zone,
        "existing": dns.existing,
        "hosts": dns.hosts,
        "balancers": dns.balancers,
        **({"followed": True} if dns.records_role else {}),
        **({"standby": standby.region, "health_path": dns.health_path} if standby else {}),
    }


def cdn(cdn: CloudCdn) -> dict[str, hcl.Value]:
    """Write the distribution."""
    return {
        "bucket": cdn.bucket,
        "files": cdn.files,
        "requests": cdn.requests,
        "challenges": cdn.challenges,
    }


def budget(budget: CloudBudget) -> dict[str, hcl.Value]:
    """Write what a month may cost."""
    return {"month": budget.month, "email": budget.email}


def experiments(plan: ClusterPlan, cloud: CloudInfrastructure) -> dict[str, hcl.Value]:
    """Write what an experiment's template names."""
    return {
        "namespace": plan.namespace,
        "alarms": {
            alarm.name: {"metric": alarm.metric, "least": alarm.least, "about": alarm.about}
            for alarm in cloud.alarms
        },
    }


def roles(plan: ClusterPlan) -> dict[str, hcl.Value]:
    """Write what each service account may do."""
    return {
        role.account: {
            "role": role.name,
            "namespace": plan.namespace,
            "entries": role.secrets,
            **({"reads": role.reads} if role.reads else {}),
            **({"writes": role.writes} if role.writes else {}),
            **({"allows": role.allows} if role.allows else {}),
        }
        for role in plan.roles.values()
    }


def server(server: CloudServer) -> dict[str, hcl.Value]:
    """Write a server, by what its module asks for."""
    return {
        "version": server.version,
        "instance": server.size.instance,
        "instances": server.size.instances,
        "backup_days": server.size.backups,
        **({} if server.disk_gb is None else {"disk_gb": server.disk_gb}),
    }
