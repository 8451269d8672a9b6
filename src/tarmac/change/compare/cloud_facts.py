"""What two environments are compared by of what Terraform makes for them. `facts` asks it."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cloud import CloudInfrastructure
from tarmac.plan.cluster import ClusterPlan

#: The name of the fact that is not a permission: what its role is called.
ROLE = "role"
#: The hosts that a firewall lets out.
WAY_OUT = "firewall on the way out"


def cloud_values(plan: ClusterPlan) -> Iterator[tuple[str, object, tuple[str, ...]]]:
    """Yield each value by its name, and where the model's `infrastructure` says it.

    Repositories follow from services, what a role reads from secrets, subnets from zones and
    network: these are told of themselves.
    """
    cloud = plan.cloud
    if cloud is None:
        return
    yield "made by", cloud.by, ("by",)
    yield "project", cloud.project, ("project",)
    yield "protected", cloud.protected, ("protected",)
    yield "Kubernetes", cloud.kubernetes, ("kubernetes",)
    yield "NAT gateways", cloud.nat, ("nat",)
    yield "zones", tuple(subnets.zone for subnets in cloud.subnets), ("zones",)
    for network in cloud.api_networks:
        yield f"API server from {network}", True, ("api_networks",)
    for group in cloud.nodes:
        place = ("nodes", group.name)
        yield f"nodes {group.name} counts", (group.min, group.desired, group.max), place
        what = (*group.types, f"{group.disk_gb} GiB", *(("spot",) if group.spot else ()))
        yield f"nodes {group.name}", what, place
    yield from _controllers(cloud)
    for bucket, days in cloud.buckets.items():
        yield f"bucket {bucket} days of objects", days, ("buckets",)
    if cloud.snapshot_days is not None:
        yield "nightly snapshots days of backups", cloud.snapshot_days, ("snapshots",)
    if (standby := cloud.standby) is not None:
        yield "standby region", standby.region, ("standby", "region")
        yield "standby network", standby.network, ("standby", "network")
        zones = tuple(subnets.zone for subnets in standby.subnets)
        yield "standby zones", zones, ("standby", "zones")
        yield "standby pilot light", standby.pilot, ("standby", "pilot")
    yield from _ways(cloud)
    for server in cloud.servers:
        place = ("servers", server.name)
        size = server.size
        yield f"server {server.name} class", size.instance, place
        yield f"server {server.name} version", server.version, place
        yield f"server {server.name} instances", size.instances, place
        yield f"server {server.name} days of backups", size.backups, place
        if server.disk_gb is not None:
            yield f"server {server.name} GiB", server.disk_gb, place


def _controllers(cloud: CloudInfrastructure) -> Iterator[tuple[str, object, tuple[str, ...]]]:
    """Yield what Karpenter and Velero are told beside the objects that say the same."""
    for pool in cloud.karpenter.pools if cloud.karpenter else ():
        place = ("node_pools", pool.name)
        limits = tuple(f"{name} {most}" for name, most in pool.limits.items())
        yield f"node pool {pool.name} limits", limits, place
        spot = ("spot",) if pool.spot else ()
        yield f"node pool {pool.name}", (*pool.types, f"{pool.disk_gb} GiB", *spot), place
    if cloud.velero is not None:
        yield "backups of objects", cloud.velero.schedule, ("backups",)
        yield "backups of objects kept hours", cloud.velero.keep_s / 3600, ("backups", "keep")


def _ways(cloud: CloudInfrastructure) -> Iterator[tuple[str, object, tuple[str, ...]]]:
    """Yield what leads in from the internet, and out to it."""
    if cloud.egress:
        yield WAY_OUT, cloud.egress.hosts, ("egress",)
    if cloud.dns is not None:
        yield "zone", cloud.dns.zone, ("dns",)
        for region, balancer in cloud.dns.balancers.items():
            yield f"load balancer of {region}", balancer, ("dns", "balancer")
    if cloud.cdn is not None:
        yield "CDN requests of an address", cloud.cdn.requests, ("cdn", "requests")
        for path in cloud.cdn.files:
            yield f"CDN files {path}", True, ("cdn", "files")


def permission_values(plan: ClusterPlan) -> Iterator[tuple[str, str, object]]:
    """Yield of each workload what the model lets it do in AWS, and the name of its role."""
    given = plan.settings.infrastructure.roles if plan.settings.infrastructure else {}
    for workload in given:
        role = plan.roles[workload]
        yield workload, ROLE, role.name
        for bucket in role.reads:
            yield workload, f"read {bucket}", True
        for bucket in role.writes:
            yield workload, f"write {bucket}", True
        for action, arns in role.allows.items():
            for arn in arns:
                yield workload, f"{action} on {arn}", True
