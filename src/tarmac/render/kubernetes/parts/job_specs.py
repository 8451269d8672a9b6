"""What a Job is: its name, how often it is tried, and its pods."""

from __future__ import annotations

import hashlib
from typing import Any

from tarmac.base.artifact import dump
from tarmac.base.launch import redact
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import caller_tokens, mounts, placement, pods, scratch
from tarmac.render.kubernetes.parts import disks as _disks
from tarmac.render.kubernetes.parts.metadata import labels
from tarmac.render.kubernetes.parts.runs import Run

#: Longer than a first start of everything takes, disks and images included: one that gave up is
#: not made again by itself.
WITHIN_S = 1800


def job_spec(plan: ClusterPlan, workload: Workload, run: Run) -> dict[str, Any]:
    """Write what a Job does: once, and again while it fails, for half an hour at most."""
    return {
        "backoffLimit": 12,
        "activeDeadlineSeconds": WITHIN_S,
        "template": {"metadata": _metadata(plan, run), "spec": _pod(plan, workload, run)},
    }


def job_name(workload: Workload, run: Run, spec: dict[str, Any]) -> str:
    """Name a Job by what it does: a Job cannot be changed, and one that is done is not repeated.

    What its files say counts too, as far as it is not secret: a new user of a database is one.
    """
    said = [dump(spec), *(f"{file.path}={redact(file.content)}" for file in run.once.files)]
    if run.env_of_workload:
        said += [f"{key}={redact(setting.value)}" for key, setting in sorted(workload.env.items())]
    return f"{run.name}-{hashlib.sha256(chr(0).join(said).encode()).hexdigest()[:8]}"


def _metadata(plan: ClusterPlan, run: Run) -> dict[str, Any]:
    found: dict[str, Any] = {"labels": labels(plan, run.name, run.role)}
    if plan.settings.mesh:
        # One that is not a native sidecar never ends, and the Job neither.
        found["annotations"] = {"sidecar.istio.io/nativeSidecar": "true"}
    return found


def _pod(plan: ClusterPlan, workload: Workload, run: Run) -> dict[str, Any]:
    files = (*(workload.files if run.env_of_workload else ()), *run.once.files)
    calls = run.role == "task"  # a migration reaches its stores alone
    disks = _disks.claims(workload) if run.role == "task" else {}
    written = scratch.numbered(workload.scratch if run.env_of_workload else ())
    # What sets a server up is a client: it needs no server's memory.
    given = workload.resources if workload.role == "service" else plan.settings.resources
    return {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",  # each try keeps its log
        "securityContext": pods.pod_security(workload),
        **(placement.beside(workload) if disks and run.once.schedule else {}),
        "containers": [
            {
                "name": run.once.name,
                "image": workload.image,
                "imagePullPolicy": "IfNotPresent",
                "command": list(run.once.argv),
                **_env(workload, run),
                "resources": pods.amounts(given),
                "securityContext": pods.CONTAINER_SECURITY,
                "volumeMounts": [
                    *scratch.mounts(written),
                    *({"name": name, "mountPath": workload.volumes[name]} for name in disks),
                    *mounts.mounts(workload.files if run.env_of_workload else ()),
                    *mounts.mounts(run.once.files, run.once),
                    *(caller_tokens.mounts(workload, listens=False) if calls else ()),
                ],
            }
        ],
        "volumes": [
            *scratch.volumes(written),
            *(
                {"name": name, "persistentVolumeClaim": {"claimName": claim}}
                for name, claim in disks.items()
            ),
            *mounts.volumes(workload, files),
            *(caller_tokens.volumes(workload, listens=False) if calls else ()),
        ],
    }


def _env(workload: Workload, run: Run) -> dict[str, Any]:
    if run.env_of_workload:
        values = {name: setting.value for name, setting in workload.env.items()}
        return pods.env(workload, values)
    return {"env": pods.own_env(workload, dict(sorted(run.once.env.items())))}
