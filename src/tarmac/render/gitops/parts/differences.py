"""Differences that Argo CD ignores: fields that a controller of the cluster writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.render.gitops.parts.argo_objects import Object

#: Where a route of each kind says how many of the requests each backend gets.
WEIGHTS = {
    "VirtualService": ".spec.http[].route[].weight",
    "HTTPRoute": ".spec.rules[].backendRefs[].weight",
}


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
        yield from _weights([r for kind in WEIGHTS for r in kinds.get(kind, ())])


def divided_routes(files: Iterable[Artifact], objects: Iterable[Artifact]) -> Iterator[Object]:
    """Find the weights in files of the entry that Rollouts of the whole environment write."""
    names = {
        route["name"]
        for artifact in objects
        if artifact.data["kind"] == "Rollout"
        for plugin in _plugins(artifact.data)
        for route in plugin.get("httpRoutes", ())
    }
    yield from _weights(
        [a.data for a in files if a.data["kind"] in WEIGHTS and a.data["metadata"]["name"] in names]
    )


def _plugins(rollout: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    routing = rollout["spec"]["strategy"]["canary"].get("trafficRouting", {})
    plugins: Mapping[str, Mapping[str, Any]] = routing.get("plugins", {})
    return plugins.values()


def _weights(routes: Iterable[Mapping[str, Any]]) -> Iterator[Object]:
    for route in routes:
        yield {
            "group": route["apiVersion"].partition("/")[0],
            "kind": route["kind"],
            "name": route["metadata"]["name"],
            "jqPathExpressions": [WEIGHTS[route["kind"]]],
        }
