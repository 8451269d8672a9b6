"""The parts that all Kubernetes objects have in common: names, labels, where a file goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.base.artifact import Artifact, Format
from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.gitops.parts.waves import ordered

#: The folder of objects that belong to no workload.
BASE = "base"
#: The labels of a selector: it can never be changed, so they are the ones that never change.
NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
#: Of the labels in a Deployment's selector Flagger looks for this one first, and gives the pods of
#: its copy NAME-primary for it. Without it `app.kubernetes.io/name` would be changed, and nothing
#: else that selects by that would find them: no policy would allow them.
APP = "app"


def labels(plan: ClusterPlan, name: str, role: str = "") -> dict[str, str]:
    """List the labels of an object (kubernetes.io: Recommended Labels)."""
    found = {
        NAME: name,
        "app.kubernetes.io/part-of": plan.system,
        "app.kubernetes.io/managed-by": "tarmac",
        "environment": plan.environment,
        "team": plan.owner,
    }
    return {**found, COMPONENT: role} if role else found


def selector(name: str) -> dict[str, str]:
    """Return the labels that select a workload's pods."""
    return {NAME: name}


def kept_apart(plan: ClusterPlan, name: str) -> dict[str, str]:
    """Return the label that distinguishes a workload's own pods from Flagger's copy of it."""
    return {APP: name} if rollout_controller(plan, name) == "flagger" else {}


def by_workload(objects: Iterable[Artifact]) -> dict[str, list[Artifact]]:
    """Group objects by the workload that they are a part of, whichever folder their files are in.

    What has no component is the namespace's, and in no group.
    """
    found: dict[str, list[Artifact]] = {}
    for artifact in objects:
        held = artifact.data.get("metadata", {}).get("labels", {})
        if COMPONENT in held:
            found.setdefault(held[NAME], []).append(artifact)
    return found


def an_object(
    plan: ClusterPlan,
    api: str,
    kind: str,
    name: str,
    body: Mapping[str, Any],
    *,
    of: Workload | None = None,
    annotations: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    folder: str = "",
    place: str = "",
    role: str = "",
    namespace: str = "",
) -> Artifact:
    """Make one object, and the file that it is alone in.

    Args:
        api: its apiVersion.
        body: what follows `metadata`.
        of: the workload that it is a part of; without, it is the namespace's.
        folder: where its file goes below `k8s/`; its workload's folder, or `base`.
        role: what it is for there, where that is not its workload's own.
        namespace: where it belongs to another one than the system's.
    """
    owner = of.name if of else plan.system
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace or plan.namespace,
        "labels": labels(plan, owner, role or (of.role if of else "")),
    }
    if kind in CLUSTER_WIDE:
        del metadata["namespace"]
    if said := {**ordered(plan, kind, of), **(annotations or {})}:
        metadata["annotations"] = said
    folder = folder or (of.name if of else BASE)
    file = kind.lower() if name == owner else f"{kind.lower()}-{name.removeprefix(f'{owner}-')}"
    return Artifact(
        path=f"k8s/{folder}/{file}.yaml",
        content={"apiVersion": api, "kind": kind, "metadata": metadata, **body},
        place=place or (of.place if of else plan.model),
        notes=notes,
        format=Format.OBJECT,
    )


#: Kinds that no namespace holds.
CLUSTER_WIDE = (
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "PersistentVolume",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "NodePool",
    "EC2NodeClass",
)
