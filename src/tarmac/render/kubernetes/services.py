"""Services: a Deployment, its address, its identity and its settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import (
    caller_tokens,
    disks,
    identity,
    mounts,
    placement,
    pods,
    probes,
    scratch,
)
from tarmac.render.kubernetes.parts.lifecycle import lifecycle
from tarmac.render.kubernetes.parts.metadata import an_object, kept_apart, selector
from tarmac.render.renderer import Renderer


def _container(workload: Workload) -> dict[str, Any]:
    return {
        "name": workload.name,
        "image": workload.image,
        "imagePullPolicy": "IfNotPresent",
        "ports": pods.ports(workload),
        **pods.env(workload, {name: setting.value for name, setting in workload.env.items()}),
        **probes.probes(workload),
        "lifecycle": lifecycle(workload),
        "resources": pods.amounts(workload.resources),
        "securityContext": pods.CONTAINER_SECURITY,
        "volumeMounts": [
            *scratch.mounts(scratch.numbered(workload.scratch)),
            *({"name": name, "mountPath": path} for name, path in workload.volumes.items()),
            *mounts.mounts(workload.files),
            *caller_tokens.mounts(workload, listens=True),
        ],
    }


def deployment(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make a service's Deployment; without `replicas` an autoscaler owns their number."""
    tried, apart = rollout_controller(plan, workload.name), kept_apart(plan, workload.name)
    volumes = [
        *scratch.volumes(scratch.numbered(workload.scratch)),
        *(
            {"name": name, "persistentVolumeClaim": {"claimName": claim}}
            for name, claim in disks.claims(workload).items()
        ),
        *mounts.volumes(workload, workload.files),
        *caller_tokens.volumes(workload, listens=True),
    ]
    pod = {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": round(workload.grace_s),
        "securityContext": pods.pod_security(workload),
        **({"nodeSelector": dict(plan.settings.nodes)} if plan.settings.nodes else {}),
        "topologySpreadConstraints": placement.spread(plan, workload.name),
        **placement.lost_node(workload),
        "containers": [_container(workload)],
        "volumes": volumes,
    }
    # A disk can be one pod's only: the old one goes before the new one comes.
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    spec = {
        # What tries new versions scales it down to nothing in between.
        **({} if workload.scale.automatic or tried else {"replicas": workload.scale.least}),
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": {**selector(workload.name), **apart}},
        "strategy": {"type": "Recreate"} if workload.volumes else rolling,
        "template": {"metadata": pods.metadata(plan, workload), "spec": pod},
    }
    return an_object(plan, "apps/v1", "Deployment", workload.name, {"spec": spec}, of=workload)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield each service's objects."""
    for workload in plan.services:
        yield identity.account(plan, workload)
        yield from identity.settings(plan, workload)
        yield deployment(plan, workload)
        if (
            rollout_controller(plan, workload.name) != "flagger"
        ):  # which makes it itself, and leads it elsewhere
            yield identity.service(plan, workload)


RENDERER = Renderer(
    id="k8s-services",
    phase="kubernetes",
    title="Deployment, Service, ServiceAccount and ConfigMap of each service",
    render=render,
)
