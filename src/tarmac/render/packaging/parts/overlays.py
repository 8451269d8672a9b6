"""What of a service's objects holds in every environment, and how one of them is made of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from tarmac.plan.cluster import Workload
from tarmac.render.kubernetes.parts.metadata import COMPONENT, NAME, selector
from tarmac.render.kubernetes.parts.mounts import LEASED

Object = dict[str, Any]
#: Lists that a strategic merge does not replace, with the keys by which it finds the same item.
MERGED = {
    "containers": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}


def stripped(data: Mapping[str, Any], workload: Workload, labels: Iterable[str]) -> Object:
    """Leave out what a kustomization adds: the namespace, labels, where the image is."""
    found = deepcopy(dict(data))
    found["metadata"].pop("namespace", None)
    metadata = [found["metadata"]]
    if found["kind"] == "Deployment":
        metadata.append(found["spec"]["template"]["metadata"])
    for holder in metadata:
        holder["labels"] = {k: v for k, v in holder["labels"].items() if k not in labels}
    own: Object = _named(found, workload)
    return own


def _named(value: Any, workload: Workload) -> Any:
    """Name the service's image by its name alone; `images` has its address and tag."""
    if isinstance(value, dict):
        return {
            key: workload.name
            if (key, item) == ("image", workload.image)
            else _named(item, workload)
            for key, item in value.items()
        }
    return [_named(item, workload) for item in value] if isinstance(value, list) else value


def base(workload: Workload, objects: Mapping[str, Object]) -> dict[str, Object]:
    """Make the objects that a service has in each environment, by their kind.

    An autoscaler and a budget have the numbers that change nothing until an overlay gives its own.
    """
    own = {NAME: workload.name, "app.kubernetes.io/managed-by": "tarmac", COMPONENT: workload.role}
    metadata = {"name": workload.name, "labels": own}
    found: dict[str, Object] = {
        "HorizontalPodAutoscaler": {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": workload.name,
                },
                "minReplicas": 1,
                "maxReplicas": 1,
            },
        },
        "PodDisruptionBudget": {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata,
            "spec": {"minAvailable": 0, "selector": {"matchLabels": selector(workload.name)}},
        },
    }
    for kind in objects.keys() - found.keys():
        found[kind] = {**deepcopy(objects[kind]), "metadata": metadata}
    spec = found["Deployment"]["spec"]
    spec.pop("replicas", None)
    # With Flagger's canaries they have one more label.
    spec["selector"] = {"matchLabels": selector(workload.name)}
    for constraint in spec["template"]["spec"].get("topologySpreadConstraints", ()):
        constraint["labelSelector"] = {"matchLabels": selector(workload.name)}
    spec["template"]["metadata"] = {"labels": own}
    pod = spec["template"]["spec"]
    pod.pop("nodeSelector", None)
    # Vault makes users of stores in some environments only.
    for holder, key in ((pod, "volumes"), *((one, "volumeMounts") for one in pod["containers"])):
        holder[key] = [one for one in holder.get(key, ()) if one["name"] != LEASED]
    for container in pod["containers"]:
        # Which of its settings are secret differs: a store of the cloud's has a secret address.
        for key in ("env", "envFrom", "resources"):
            container.pop(key, None)
    return found


def patch(base: Mapping[str, Any], whole: Mapping[str, Any]) -> Object:
    """Return the strategic merge patch that turns the first into the second."""
    found: Object = {}
    for key, value in whole.items():
        before = base.get(key)
        if value == before:
            continue
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            found[key] = patch(before, value)
        elif key in MERGED and before:
            known = {_keys(key, entry): entry for entry in before}
            found[key] = [
                {**dict(_keys(key, entry)), **patch(known.get(_keys(key, entry), {}), entry)}
                for entry in value
            ]
        else:
            found[key] = value
    return {**found, **dict.fromkeys(sorted(base.keys() - whole.keys()))}


def _keys(name: str, item: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Give the keys by which a merge finds an item of a list."""
    return tuple((key, item[key]) for key in MERGED[name])
