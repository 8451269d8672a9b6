"""Files that kustomize reads: a kustomization, and objects or parts of them beside it."""

from __future__ import annotations

from tarmac.base.artifact import Artifact, dump
from tarmac.plan.cluster import Workload
from tarmac.render.packaging.parts.overlays import Object

API = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}


def file(path: str, content: Object, place: str, *notes: str) -> Artifact:
    """Write it as text: half an object is none for a gate to judge, and the whole is in `k8s/`."""
    return Artifact(path, dump(content), place, notes)


def kustomization(folder: str, place: str, content: Object, *notes: str) -> Artifact:
    """Write the kustomization of a folder."""
    return file(f"{folder}/kustomization.yaml", {**API, **content}, place, *notes)


def image(workload: Workload) -> dict[str, str]:
    """Return the image's address; the objects name it by the service's name alone."""
    name, _, digest = workload.image.partition("@")
    if digest:
        return {"name": workload.name, "newName": name, "digest": digest}
    name, _, tag = name.rpartition(":")
    return {"name": workload.name, "newName": name, "newTag": tag}
