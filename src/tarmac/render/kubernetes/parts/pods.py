"""Pods: what a workload's containers are given, and what they may not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.base.launch import Text, is_secret, redact
from tarmac.model.environment import Resources
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import configs
from tarmac.render.kubernetes.parts.metadata import kept_apart, labels

#: The longest name of a container's port (RFC 6335).
PORT_NAME = 15
#: The profile `restricted` of Pod Security, and a read-only root.
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def env(workload: Workload, values: Mapping[str, Text]) -> dict[str, Any]:
    """Give a container its variables: plain ones together, each secret by its key.

    None has its value in the pod. A key that is missing in the Secret stops the pod and says so.
    """
    secrets = {name: value for name, value in sorted(values.items()) if is_secret(value)}
    found: dict[str, Any] = {}
    if len(secrets) < len(values):
        found["envFrom"] = [{"configMapRef": {"name": configs.config_name(workload.name)}}]
    if secrets:
        found["env"] = [
            {
                "name": name,
                "valueFrom": {
                    "secretKeyRef": {
                        "name": configs.secret_name(workload.name),
                        "key": configs.secret_key(name),
                    }
                },
            }
            for name in secrets
        ]
    return found


def own_env(workload: Workload, values: Mapping[str, Text]) -> list[dict[str, Any]]:
    """Give variables to a program that is not the workload's: plain ones stand in the pod.

    The ConfigMap's would be those of the workload, too.
    """
    plain = {name: redact(value) for name, value in values.items() if not is_secret(value)}
    secret = {name: value for name, value in values.items() if is_secret(value)}
    given = [{"name": name, "value": value} for name, value in plain.items()]
    return [*given, *env(workload, secret).get("env", [])]


def ports(workload: Workload) -> list[dict[str, Any]]:
    """List a container's ports; a name that is too long for one there is the Service's alone."""
    return [
        {**({"name": name} if len(name) <= PORT_NAME else {}), "containerPort": number}
        for name, number in workload.ports.items()
    ]


def amounts(given: Resources) -> dict[str, Any]:
    """Write what a container is given, and the most that it may take."""
    return {
        "requests": {name: str(amount) for name, amount in given.requests.items()},
        "limits": {name: str(amount) for name, amount in given.limits.items()},
    }


def pod_security(workload: Workload) -> dict[str, Any]:
    """Give the user of a pod: a number, since an image may know no names."""
    return {
        "runAsNonRoot": True,
        "runAsUser": workload.user,
        "runAsGroup": workload.user,
        "fsGroup": workload.user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def metadata(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    """Write a pod template's labels and annotations."""
    own = {**labels(plan, workload.name, workload.role), **kept_apart(plan, workload.name)}
    found: dict[str, Any] = {"labels": own}
    if annotations := configs.checksums(workload):
        found["annotations"] = annotations
    return found
