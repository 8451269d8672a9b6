"""Differences that Argo CD ignores: fields that a controller of the cluster writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.render.gitops.parts.argo_objects import Object


def ignored(own: Iterable[Artifact]) -> Iterator[Object]:
    """Find the fields of a service's objects that a controller of the cluster writes."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for artifact in own:
        kinds.setdefault(artifact.data["kind"], []).append(artifact.data)
    scaled = [
        autoscaler["spec"]["scaleTargetRef"]
        for autoscaler in kinds.get("HorizontalPodAutoscaler", ())
    ]
    # A canary's own copies carry the traffic; what it was made of is taken down to none.
    scaled += [canary["spec"]["targetRef"] for canary in kinds.get("Canary", ())]
    rollouts = kinds.get("Rollout", ())
    scaled += [e["spec"]["workloadRef"] for e in rollouts if "workloadRef" in e["spec"]]
    for kind, name in sorted({(target["kind"], target["name"]) for target in scaled}):
        group = "apps" if kind == "Deployment" else "argoproj.io"
        yield {"group": group, "kind": kind, "name": name, "jsonPointers": ["/spec/replicas"]}
    if rollouts:
        for kind, weights in (
            ("VirtualService", ".spec.http[].route[].weight"),
            ("HTTPRoute", ".spec.rules[].backendRefs[].weight"),
        ):
            for route in kinds.get(kind, ()):
                group = route["apiVersion"].partition("/")[0]
                yield {
                    "group": group,
                    "kind": kind,
                    "name": route["metadata"]["name"],
                    "jqPathExpressions": [weights],
                }
