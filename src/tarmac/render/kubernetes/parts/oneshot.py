"""What runs to its end beside a workload: a store's set-up, a service's migrations and its tasks.

Their pods have a name of their own, so that no Service takes them for the workload's, and the
network policies can say what each may reach.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tarmac.artifact import dump
from tarmac.launch import is_secret, redact
from tarmac.plan.cluster import AllowedConnection, ClusterPlan, OneTimeTask, Workload
from tarmac.render.kubernetes.parts import caller_tokens, pods
from tarmac.render.kubernetes.parts import disks as _disks
from tarmac.render.kubernetes.parts.metadata import labels, selector

#: Applies the migrations of the parts that it is given, and ends.
MIGRATE = ("python3", "-m", "tarmac_kit.migrate")
#: Longer than a first start of everything takes, disks and images included: one that gave up is
#: not made again by itself.
WITHIN_S = 1800


@dataclass(frozen=True)
class Run:
    """Pods that run to their end."""

    #: The pods' name; a Job's own has the hash of what it does behind it.
    name: str
    role: Literal["setup", "migration", "task"]
    once: OneTimeTask

    @property
    def env_of_workload(self) -> bool:
        """Whether it is given what its workload is given: it is the same program."""
        return self.role != "setup"


def runs(workload: Workload) -> Iterator[Run]:
    """List what runs beside a workload."""
    if workload.role != "service":
        for once in workload.once:
            yield Run(f"{workload.name}-{once.name}", "setup", once)
        return
    if workload.migrates:
        once = OneTimeTask("migration", (*MIGRATE, *workload.parts))
        yield Run(f"{workload.name}-migration", "migration", once)
    for once in workload.once:
        yield Run(f"{workload.name}-{once.name}", "task", once)


def edges(plan: ClusterPlan) -> Iterator[AllowedConnection]:
    """List the allowed connections, with the Jobs' pods beside their workloads.

    A store's set-up reaches the store; a service's migrations its stores; its tasks what it does.
    """
    yield from plan.allowed
    by_source: dict[str, list[AllowedConnection]] = {}
    for edge in plan.allowed:
        by_source.setdefault(edge.source, []).append(edge)
    for workload in plan.workloads:
        for run in runs(workload):
            if run.role == "setup":
                port = next(iter(workload.ports.values()))
                yield AllowedConnection(
                    run.name, workload.name, port, workload.role, workload.place
                )
                continue
            for edge in by_source.get(workload.name, ()):
                if edge.target_role in ("store", "managed") or run.role == "task":
                    yield replace(edge, source=run.name)


@dataclass(frozen=True)
class Edges:
    """The allowed connections, by either end: computed once for each sort of pods."""

    by_source: Mapping[str, Sequence[AllowedConnection]]
    by_target: Mapping[str, Sequence[AllowedConnection]]


def edges_by_end(plan: ClusterPlan) -> Edges:
    """Index them by both ends."""
    by_source: dict[str, list[AllowedConnection]] = {}
    by_target: dict[str, list[AllowedConnection]] = {}
    for edge in edges(plan):
        by_source.setdefault(edge.source, []).append(edge)
        by_target.setdefault(edge.target, []).append(edge)
    return Edges(by_source, by_target)


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
        # One that is no native sidecar never ends, and the Job neither.
        found["annotations"] = {"sidecar.istio.io/nativeSidecar": "true"}
    return found


def _pod(plan: ClusterPlan, workload: Workload, run: Run) -> dict[str, Any]:
    files = (*(workload.files if run.env_of_workload else ()), *run.once.files)
    calls = run.role == "task"  # a migration reaches its stores alone
    disks = _disks.claims(workload) if run.role == "task" else {}
    # What sets a server up is a client: it needs no server's memory.
    given = workload.resources if workload.role == "service" else plan.settings.resources
    return {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",  # each try keeps its log
        "securityContext": pods.pod_security(workload),
        **(_beside(workload) if disks and run.once.schedule else {}),
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
                    {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the container
                    *({"name": name, "mountPath": workload.volumes[name]} for name in disks),
                    *pods.mounts(workload.files if run.env_of_workload else ()),
                    *pods.mounts(run.once.files, run.once),
                    *(caller_tokens.mounts(workload, listens=False) if calls else ()),
                ],
            }
        ],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            *(
                {"name": name, "persistentVolumeClaim": {"claimName": claim}}
                for name, claim in disks.items()
            ),
            *pods.file_volumes(workload, files),
            *(caller_tokens.volumes(workload, listens=False) if calls else ()),
        ],
    }


def _beside(workload: Workload) -> dict[str, Any]:
    """Put a pod on the node of its workload's, where their disk is."""
    near = {
        "labelSelector": {"matchLabels": selector(workload.name)},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [near]}}}


def _env(workload: Workload, run: Run) -> dict[str, Any]:
    if run.env_of_workload:
        values = {name: setting.value for name, setting in workload.env.items()}
        return pods.env(workload, values)
    # Its own few plain values stand in it: a ConfigMap's would be those of the server, too.
    plain = {k: v for k, v in sorted(run.once.env.items()) if not is_secret(v)}
    secret = {k: v for k, v in run.once.env.items() if is_secret(v)}
    given = [{"name": name, "value": redact(value)} for name, value in plain.items()]
    return {"env": [*given, *pods.env(workload, secret).get("env", [])]}
