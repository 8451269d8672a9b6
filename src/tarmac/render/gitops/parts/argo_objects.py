"""Argo CD's own objects: where they are, and what each of them has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.gitops.parts.waves import WAVE
from tarmac.render.kubernetes.parts.metadata import an_object

API = "argoproj.io/v1alpha1"
NAMESPACE = "argocd"
#: Argo CD runs in the cluster that it fills.
SERVER = "https://kubernetes.default.svc"
FINALIZER = "resources-finalizer.argocd.argoproj.io"
Object = dict[str, Any]


def argo(
    plan: ClusterPlan, kind: str, name: str, body: Object, path: str, *,
    wave: int | None = None, finalizer: bool = True, **more: Any,
) -> Artifact:  # fmt: skip
    """Make one of Argo CD's own objects."""
    annotations = dict(more.pop("annotations", {}))
    if wave is not None:
        annotations = {WAVE: str(wave), **annotations}
    made = an_object(
        plan, API, kind, name, body, namespace=NAMESPACE, annotations=annotations, **more
    )
    if finalizer:
        made.data["metadata"]["finalizers"] = [FINALIZER]
    return replace(made, path=path)
