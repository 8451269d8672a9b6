"""Values of alerts on disks of stores and services."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts import disks as _disks
from tarmac.render.texts import Values


def disks(plan: ClusterPlan) -> Iterator[Values]:
    """Give each claim of a disk, with the store or service that has it."""
    claims = {
        f"{volume}-{store.name}-0": store.name for store in plan.stores for volume in store.volumes
    } | {
        claim: service.name
        for service in plan.services
        for claim in _disks.claims(service).values()
    }
    for claim, owner in claims.items():
        yield {"claim": claim, "owner": owner}


def backups(plan: ClusterPlan) -> Iterator[Values]:
    """Give the disks in a cluster of a cloud, which are backed up."""
    names = [workload.name for workload in plan.workloads if workload.volumes]
    if names and plan.settings.cloud is not None:
        yield {"disks": ", ".join(names)}


VALUES = {"disks": disks, "backups": backups}
