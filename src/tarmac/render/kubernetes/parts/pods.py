"""Pods: what a workload's containers are given, how they are asked, and what they may not do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.launch import (
    CommandProbe,
    GrpcProbe,
    HttpProbe,
    Probe,
    TcpProbe,
    Text,
    is_secret,
    redact,
)
from tarmac.model.environment import Resources
from tarmac.plan.cluster import ClusterPlan, MountedFile, OneTimeTask, Workload
from tarmac.render.kubernetes.parts.metadata import kept_apart, labels, selector

# The shop's roadmap, phase 6 (K8S-05); the others name none.
LIVENESS = {"initialDelaySeconds": 10, "periodSeconds": 15, "failureThreshold": 3}
READINESS = {"initialDelaySeconds": 5, "periodSeconds": 10, "failureThreshold": 3}
#: 150 s until it must have started.
STARTUP = {"periodSeconds": 5, "failureThreshold": 30}

#: The longest name of a container's port (RFC 6335).
PORT_NAME = 15
#: The profile `restricted` of Pod Security, and a read-only root.
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def config_name(workload: str) -> str:
    """Name the ConfigMap of a workload's plain variables."""
    return f"{workload}-config"


def files_name(workload: str) -> str:
    """Name the ConfigMap of a workload's plain files."""
    return f"{workload}-files"


def secret_name(workload: str) -> str:
    """Name the Secret of a workload's variables and files that hold secrets."""
    return f"{workload}-secrets"


def secret_key(variable: str) -> str:
    """Name a variable's key in a Secret: `DATABASE_URL` is `database-url`."""
    return variable.lower().replace("_", "-")


def file_key(path: str, once: OneTimeTask | None = None) -> str:
    """Name a file's key in a ConfigMap or Secret; one of a set-up begins with its name."""
    name = path.rsplit("/", 1)[-1]
    return f"{once.name}.{name}" if once else name


def config_of(workload: Workload) -> dict[str, str]:
    """List what the ConfigMap of a workload's plain variables holds."""
    return {
        k: redact(setting.value)
        for k, setting in workload.env.items()
        if not is_secret(setting.value)
    }


def files_of(workload: Workload) -> dict[str, str]:
    """List what the ConfigMap of a workload's plain files holds, by their keys."""
    found = {file_key(f.path): redact(f.content) for f in workload.files if not f.secret}
    for once in workload.once:
        found |= {file_key(f.path, once): redact(f.content) for f in once.files if not f.secret}
    return found


def secrets_in(workload: Workload) -> dict[str, Text]:
    """List what a workload's Secret holds, by its keys."""
    found = {secret_key(k): e.value for k, e in workload.env.items() if is_secret(e.value)}
    beside = workload.exporter.env if workload.exporter else {}
    found |= {secret_key(k): value for k, value in beside.items() if is_secret(value)}
    found |= {file_key(f.path): f.content for f in workload.files if f.secret}
    for once in workload.once:
        found |= {secret_key(k): value for k, value in once.env.items() if is_secret(value)}
        found |= {file_key(f.path, once): f.content for f in once.files if f.secret}
    return found


def env(workload: Workload, values: Mapping[str, Text]) -> dict[str, Any]:
    """Give a container its variables: plain ones together, each secret by its key.

    None has its value in the pod. A key that is missing in the Secret stops the pod and says so.
    """
    secrets = {name: value for name, value in sorted(values.items()) if is_secret(value)}
    found: dict[str, Any] = {}
    if len(secrets) < len(values):
        found["envFrom"] = [{"configMapRef": {"name": config_name(workload.name)}}]
    if secrets:
        found["env"] = [
            {
                "name": name,
                "valueFrom": {
                    "secretKeyRef": {"name": secret_name(workload.name), "key": secret_key(name)}
                },
            }
            for name in secrets
        ]
    return found


def ports(workload: Workload) -> list[dict[str, Any]]:
    """List a container's ports; a name that is too long for one there is the Service's alone."""
    return [
        {**({"name": name} if len(name) <= PORT_NAME else {}), "containerPort": number}
        for name, number in workload.ports.items()
    ]


def probe(asked: Probe | None) -> dict[str, Any] | None:
    """Return a probe for the cluster; None for a check that only a supervisor can make."""
    match asked:
        case HttpProbe(port, path):
            return {"httpGet": {"path": path, "port": port}}
        case GrpcProbe(port, service):
            return {"grpc": {"port": port, **({"service": service} if service else {})}}
        case TcpProbe(port):
            return {"tcpSocket": {"port": port}}
        case CommandProbe(argv):
            return {"exec": {"command": list(argv)}}
        case _:
            return None


def probes(workload: Workload) -> dict[str, Any]:
    """List a container's three probes; a live one is asked only once it has started."""
    live, ready = probe(workload.live), probe(workload.ready or workload.live)
    found: dict[str, Any] = {}
    if live is not None:
        found["startupProbe"] = {**live, **STARTUP}
        found["livenessProbe"] = {**live, **LIVENESS, "timeoutSeconds": 3}
    if ready is not None:
        found["readinessProbe"] = {**ready, **READINESS, "timeoutSeconds": 3}
    return found


def mounts(files: Iterable[MountedFile], once: OneTimeTask | None = None) -> list[dict[str, Any]]:
    """Mount files one by one, each at its own path: nothing else of a folder is hidden."""
    return [
        {
            "name": "secret-files" if file.secret else "files",
            "mountPath": file.path,
            "subPath": file_key(file.path, once),
            "readOnly": True,
        }
        for file in files
    ]


def file_volumes(workload: Workload, files: Iterable[MountedFile]) -> list[dict[str, Any]]:
    """List the volumes that those mounts name."""
    files = tuple(files)
    found: list[dict[str, Any]] = []
    if any(not file.secret for file in files):
        found.append({"name": "files", "configMap": {"name": files_name(workload.name)}})
    if any(file.secret for file in files):
        secret = {"secretName": secret_name(workload.name), "defaultMode": 0o440}
        found.append({"name": "secret-files", "secret": secret})
    return found


def resources(workload: Workload) -> dict[str, Any]:
    """Write what a workload's container is given, and the most that it may take."""
    return amounts(workload.resources)


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


def spread(plan: ClusterPlan, name: str) -> list[dict[str, Any]]:
    """Spread a workload's pods over zones, then over hosts; none waits because it cannot be.

    Flagger changes what it finds here for its copy, as in the selector: both have the same label.
    """
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": kept_apart(plan, name) or selector(name)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def checksums(workload: Workload) -> dict[str, str]:
    """Have a change of the settings replace the pods: by themselves they would not read it.

    What holds a secret counts with the secret's path in its place: a database that moves, a user
    more in a broker's file. What belongs to a set-up does not: it has a Job of its own. The first
    is what the chart computes from values as they are edited; the second is given to it.
    """
    plainly = {
        **config_of(workload),
        **{f.path: redact(f.content) for f in workload.files if not f.secret},
    }
    sealed = {
        **{name: redact(e.value) for name, e in workload.env.items() if is_secret(e.value)},
        **{file.path: redact(file.content) for file in workload.files if file.secret},
    }
    held = {"tarmac.dev/config": plainly, "tarmac.dev/sealed": sealed}
    return {name: _digest(values) for name, values in held.items() if values}


def _digest(values: Mapping[str, str]) -> str:
    written = "\n".join(f"{key}={value}" for key, value in sorted(values.items()))
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def metadata(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    """Write a pod template's labels and annotations."""
    own = {**labels(plan, workload.name, workload.role), **kept_apart(plan, workload.name)}
    found: dict[str, Any] = {"labels": own}
    if annotations := checksums(workload):
        found["annotations"] = annotations
    return found
