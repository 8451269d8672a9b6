"""Stores and the broker that run in the cluster: one server each, with a disk of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import (
    disks,
    exporter,
    identity,
    mounts,
    pods,
    probes,
    scratch,
)
from tarmac.render.kubernetes.parts.metadata import an_object, selector
from tarmac.render.renderer import Renderer

NOTES = (
    "One server: it is away for the seconds in which it moves. What must not be is better kept",
    "on a managed server: `servers:` in the model's environment.",
    "The disk's size and class cannot be changed here once it is made: edit the claim itself.",
)


def headless(workload: Workload) -> str:
    """Name the Service that gives a StatefulSet's pods their names."""
    return f"{workload.name}-pods"


def _container(workload: Workload) -> dict[str, Any]:
    return {
        "name": workload.name,
        "image": workload.image,
        "imagePullPolicy": "IfNotPresent",
        # The image's own entry point stays: it makes what is missing and gives up being root.
        **({"args": list(workload.argv)} if workload.argv else {}),
        "ports": exporter.own_ports(workload),
        **pods.env(workload, {name: setting.value for name, setting in workload.env.items()}),
        **probes.of_store(workload),
        "resources": pods.amounts(workload.resources),
        "securityContext": pods.CONTAINER_SECURITY,
        "volumeMounts": [
            *scratch.mounts(scratch.by_path(workload.scratch)),
            *(
                {"name": name, "mountPath": path, "subPath": disks.FOLDER}
                for name, path in workload.volumes.items()
            ),
            *mounts.mounts(workload.files),
        ],
    }


def server(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make a store's StatefulSet: its pod finds its disk again wherever it goes."""
    # Rights of a whole disk are set once and not at each start: that would also open the files
    # that a server wants to itself, and take minutes.
    security = {**pods.pod_security(workload), "fsGroupChangePolicy": "OnRootMismatch"}
    pod = {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # The signal is the image's own (STOPSIGNAL), which is what each of them stops well on.
        "terminationGracePeriodSeconds": round(workload.grace_s),
        "securityContext": security,
        **disks.owned(plan, workload),
        "containers": [_container(workload), *exporter.beside(workload)],
        "volumes": [
            *scratch.volumes(scratch.by_path(workload.scratch), "256Mi"),
            *mounts.volumes(workload, workload.files),
        ],
    }
    spec = {
        "serviceName": headless(workload),
        "replicas": workload.scale.least,
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": selector(workload.name)},
        "template": {"metadata": pods.metadata(plan, workload), "spec": pod},
        "volumeClaimTemplates": disks.templates(plan, workload),
    }
    body = {"spec": spec}
    return an_object(plan, "apps/v1", "StatefulSet", workload.name, body, of=workload, notes=NOTES)


def names(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make the Service without an address that a StatefulSet needs."""
    # Without that of its metrics: by this Service as well they would be read, and counted, twice.
    listening = [
        {"name": name, "port": port}
        for name, port in workload.ports.items()
        if port != workload.metrics
    ]
    spec = {"clusterIP": "None", "selector": selector(workload.name), "ports": listening}
    return an_object(plan, "v1", "Service", headless(workload), {"spec": spec}, of=workload)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the objects of each store that runs in the cluster; others' names lead to it."""
    for workload in plan.stores:
        yield identity.account(plan, workload)
        yield from identity.settings(plan, workload)
        yield server(plan, workload)
        yield identity.service(plan, workload)
        yield names(plan, workload)
    for setup in plan.setups:
        yield identity.account(plan, setup)
        yield from identity.settings(plan, setup)


RENDERER = Renderer(
    id="k8s-stores",
    phase="data",
    title="StatefulSet, Services, ServiceAccount and ConfigMaps of each store in the cluster",
    render=render,
)
