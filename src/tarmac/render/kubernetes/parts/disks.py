"""Disks: what outlives a pod, of stores and of services."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import pods
from tarmac.render.kubernetes.parts.metadata import labels

#: A disk comes with a folder of its own at its top (`lost+found`): data has a folder below.
FOLDER = "data"


def disk(workload: Workload) -> dict[str, Any]:
    """Claim a disk of one pod, of the cluster's default class."""
    return {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": workload.disk}},
    }


def claims(workload: Workload) -> dict[str, str]:
    """Name the claims of a service's disks, by the disks' own names."""
    return {name: f"{workload.name}-{name}" for name in workload.volumes}


def owned(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    """Make the folder of data as the server's user: by itself it would be root's."""
    if not workload.owns_data:
        return {}
    made = [
        {
            "name": f"own-{name}",
            "image": workload.image,
            "command": ["mkdir", "-p", "-m", "0700", f"/disk/{FOLDER}"],
            "resources": pods.amounts(plan.settings.resources),
            "securityContext": pods.CONTAINER_SECURITY,
            "volumeMounts": [{"name": name, "mountPath": "/disk"}],
        }
        for name in workload.volumes
    ]
    return {"initContainers": made}


def templates(plan: ClusterPlan, workload: Workload) -> list[dict[str, Any]]:
    """Give each pod of a store its own disks."""
    labelled = labels(plan, workload.name, workload.role)
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "labels": labelled},
            "spec": disk(workload),
        }
        for name in workload.volumes
    ]
