"""Services: a Deployment, its address, its identity and its settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.artifact import Artifact
from tarmac.plan.analysis import by
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render import _disks, _own, _pods
from tarmac.render._objects import an_object, kept_apart, selector
from tarmac.render._renderer import Renderer


def _container(workload: Workload) -> dict[str, Any]:
    return {
        "name": workload.name,
        "image": workload.image,
        "imagePullPolicy": "IfNotPresent",
        "ports": _pods.ports(workload),
        **_pods.env(workload, {name: each.value for name, each in workload.env.items()}),
        **_pods.probes(workload),
        # The service says on /health/ready that it goes, and serves on for DRAIN_DELAY_S; without
        # this pause a pod that was just told would still be sent requests by nodes that do not
        # know yet.
        "lifecycle": {"preStop": {"sleep": {"seconds": round(workload.drain_s)}}},
        "resources": _pods.resources(workload),
        "securityContext": _pods.CONTAINER_SECURITY,
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the container
            *({"name": name, "mountPath": path} for name, path in workload.volumes.items()),
            *_pods.mounts(workload.files),
        ],
    }


def deployment(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make a service's Deployment; who owns the number of its pods is said by what is left out."""
    tried, apart = by(plan, workload.name), kept_apart(plan, workload.name)
    volumes = [
        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
        *(
            {"name": name, "persistentVolumeClaim": {"claimName": claim}}
            for name, claim in _disks.claims(workload).items()
        ),
        *_pods.file_volumes(workload, workload.files),
    ]
    pod = {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": round(workload.grace_s),
        "securityContext": _pods.pod_security(workload),
        **({"nodeSelector": dict(plan.settings.nodes)} if plan.settings.nodes else {}),
        "topologySpreadConstraints": _pods.spread(plan, workload.name),
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
        "template": {"metadata": _pods.metadata(plan, workload), "spec": pod},
    }
    return an_object(plan, "apps/v1", "Deployment", workload.name, {"spec": spec}, of=workload)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield each service's objects."""
    for workload in plan.services:
        yield _own.account(plan, workload)
        yield from _own.settings(plan, workload)
        yield deployment(plan, workload)
        if by(plan, workload.name) != "flagger":  # which makes it itself, and leads it elsewhere
            yield _own.service(plan, workload)


RENDERER = Renderer(
    id="k8s-services",
    phase="kubernetes",
    title="Deployment, Service, ServiceAccount and ConfigMap of each service",
    render=render,
)
