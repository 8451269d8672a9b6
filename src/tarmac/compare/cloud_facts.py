"""What two environments are compared by of what Terraform makes for them. `facts` asks it."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cluster import ClusterPlan


def cloud_values(plan: ClusterPlan) -> Iterator[tuple[str, object, tuple[str, ...]]]:
    """Yield each value by its name, and where the model's `infrastructure` says it.

    Repositories and roles follow from services and secrets, subnets from zones and network: these
    are told of themselves.
    """
    cloud = plan.cloud
    if cloud is None:
        return
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
    for bucket, days in cloud.buckets.items():
        yield f"bucket {bucket} days of objects", days, ("buckets",)
    for server in cloud.servers:
        place = ("servers", server.name)
        size = server.size
        yield f"server {server.name} class", size.instance, place
        yield f"server {server.name} version", server.version, place
        yield f"server {server.name} instances", size.instances, place
        yield f"server {server.name} days of backups", size.backups, place
        if server.disk_gb is not None:
            yield f"server {server.name} GiB", server.disk_gb, place
