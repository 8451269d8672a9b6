"""Of each service a base that every environment shares, and this environment's overlay of it.

The base says nothing that an environment decides, so that each renders the same one; the overlay is
what is missing between it and the objects of the plain tree.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import identity
from tarmac.render.kubernetes.parts.metadata import by_workload
from tarmac.render.packaging.parts import kustomizations
from tarmac.render.packaging.parts.overlays import Object, base, patch, stripped
from tarmac.render.renderer import Renderer

#: The label that the base's kustomizations add, and those that an overlay's add.
PART_OF = "app.kubernetes.io/part-of"
OVERLAID = ("environment", "team")
#: What the base holds, and what its file is called.
FILES = {
    "Deployment": "deployment.yaml",
    "HorizontalPodAutoscaler": "hpa.yaml",
    "PodDisruptionBudget": "pdb.yaml",
    "Service": "service.yaml",
    "ServiceAccount": "serviceaccount.yaml",
}
#: Where else than on the objects: `includeTemplates` would also write into a CronJob's template of
#: a Job, where the plain tree has none.
FIELDS = [{"path": "spec/template/metadata/labels", "kind": "Deployment"}]
UNTIL = ("Its numbers change nothing: an overlay gives its own, or takes it away.",)
NOTES = {"HorizontalPodAutoscaler": UNTIL, "PodDisruptionBudget": UNTIL}
LABELS = "`labels` stands for the deprecated commonLabels, which would write into selectors too."


def _in_base(artifact: Artifact, workload: Workload) -> bool:
    """Tell whether an object has its place in the base: of each kind there is one."""
    return artifact.data["kind"] in FILES and artifact.data["metadata"]["name"] == workload.name


def _service(plan: ClusterPlan, workload: Workload, own: Sequence[Artifact]) -> Iterable[Artifact]:
    place, below = workload.place, f"kustomize/base/{workload.name}"
    whole = {
        artifact.data["kind"]: stripped(artifact.data, workload, (*OVERLAID, PART_OF))
        for artifact in own
        if _in_base(artifact, workload)
    }
    kept = dict(whole)
    if workload.ports and "Service" not in whole:  # others make it here, and not everywhere
        address = identity.service(plan, workload).data
        kept["Service"] = stripped(address, workload, (*OVERLAID, PART_OF))
    shared = base(workload, kept)
    for kind, content in sorted(shared.items()):
        yield kustomizations.file(f"{below}/{FILES[kind]}", content, place, *NOTES.get(kind, ()))
    files = sorted(FILES[kind] for kind in shared)
    labels = [{"pairs": {PART_OF: plan.system}, "fields": FIELDS}]
    yield kustomizations.kustomization(below, place, {"labels": labels, "resources": files}, LABELS)

    above = f"kustomize/overlays/{plan.environment}/{workload.name}"
    added = {
        posixpath.basename(artifact.path): stripped(artifact.data, workload, OVERLAID)
        for artifact in own
        if not _in_base(artifact, workload)
    }
    patches = {}
    for kind, content in sorted(shared.items()):
        gone: Object = {"$patch": "delete"}
        change = patch(content, whole[kind]) if kind in whole else gone
        if change:
            head = {"apiVersion": content["apiVersion"], "kind": kind}
            metadata = {"name": workload.name, **change.pop("metadata", {})}
            patches[FILES[kind]] = {**head, "metadata": metadata, **change}
    for file, content in {**added, **patches}.items():
        yield kustomizations.file(f"{above}/{file}", content, place)
    pairs = {"environment": plan.environment, "team": plan.owner}
    content = {
        "namespace": plan.namespace,
        "labels": [{"pairs": pairs, "fields": FIELDS}],
        "resources": [f"../../../base/{workload.name}", *sorted(added)],
        "patches": [{"path": file} for file in sorted(patches)],
        "images": [kustomizations.image(workload)],
    }
    yield kustomizations.kustomization(above, place, content, LABELS)


def repack(plan: ClusterPlan, objects: Sequence[Artifact]) -> Iterable[Artifact]:
    """Yield base and overlay of each service, and of all of them together."""
    if "kustomize" not in plan.settings.packaging:
        return
    parts = by_workload(objects)
    for workload in plan.services:
        yield from _service(plan, workload, parts[workload.name])
    names = {"resources": [service.name for service in plan.services]}
    overlay = f"kustomize/overlays/{plan.environment}"
    yield kustomizations.kustomization("kustomize/base", plan.model, names)
    yield kustomizations.kustomization(overlay, plan.model, names, f"kubectl apply -k {overlay}")


RENDERER = Renderer(
    id="kustomize",
    phase="gitops",
    title="A base of each service, and an overlay for the environment",
    render=lambda plan: (),
    repack=repack,
)
