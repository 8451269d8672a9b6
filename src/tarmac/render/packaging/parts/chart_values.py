"""The values of a service for the chart, read off the objects of the plain tree.

So both say the same. What the chart says by itself is left out; a kind for which it has no template
is not here: `has_template` tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import yaml

from tarmac.plan.cluster import Workload
from tarmac.render.assets import asset
from tarmac.render.kubernetes.parts import configs
from tarmac.render.kubernetes.parts.metadata import NAME
from tarmac.render.packaging.parts.chart_deployment import Object
from tarmac.render.packaging.parts.chart_objects import MORE, ONE

CHART = "chart/service"
#: Kinds whose spec is a value as it stands, by the object's name.
WHOLE = {
    "ExternalSecret": "externalSecrets",
    "SecretStore": "secretStores",
    "VaultDynamicSecret": "vaultDynamicSecrets",
    "NetworkPolicy": "networkPolicies",
    "ServiceMonitor": "serviceMonitors",
    "Ingress": "ingresses",
    "HTTPRoute": "httpRoutes",
    "PersistentVolumeClaim": "persistentVolumeClaims",
    "CronJob": "cronJobs",
    "Job": "jobs",
    "Gateway": "gateways",
    "AuthorizationPolicy": "authorizationPolicies",
    "DestinationRule": "destinationRules",
    "Canary": "canaries",
    "MetricTemplate": "metricTemplates",
    "Rollout": "rollouts",
    "AnalysisTemplate": "analysisTemplates",
}
#: The chart says these itself; the release is what manages the object.
SAID = {NAME, "app.kubernetes.io/managed-by"}


def has_template(kind: str) -> bool:
    """Tell whether the chart makes objects of a kind."""
    return kind in WHOLE or kind in ONE


def values(workload: Workload, objects: Iterable[Object]) -> dict[str, Any]:
    """Give the values with which the chart makes a service's objects."""
    objects = tuple(objects)
    shared = next(e["metadata"]["labels"] for e in objects if e["kind"] == "Deployment")
    shared = {key: value for key, value in shared.items() if key not in SAID}
    found: dict[str, Any] = {"name": workload.name, "labels": shared}
    for artifact in objects:
        kind, metadata = artifact["kind"], artifact["metadata"]
        more = {
            "labels": {
                k: v for k, v in metadata["labels"].items() if k not in SAID and shared.get(k) != v
            },
            "annotations": metadata.get("annotations", {}),
        }
        more = {key: value for key, value in more.items() if value}
        if kind == "Service" and metadata["name"] != workload.name:
            found.setdefault("services", {})[metadata["name"]] = {**more, "spec": artifact["spec"]}
        elif kind in ONE:
            own = ONE[kind](workload, artifact)
            key = MORE.get(kind, "")
            if key and more:
                own[key] = {**own.get(key, {}), **more}
            found |= own
        elif kind in WHOLE:
            spec = _with_own_image(workload, artifact["spec"])
            entry = {**more, **_hook(workload, kind, spec), "spec": spec}
            found.setdefault(WHOLE[kind], {})[metadata["name"]] = entry
    if workload.ports and not any(artifact["kind"] == "Service" for artifact in objects):
        found["service"] = {"byOthers": True}
    defaults, order = _chart()
    return {
        key: found[key]
        for key in sorted(found, key=order.index)
        if (found[key] or None) != (defaults.get(key) or None)
    }


@cache
def _chart() -> tuple[Mapping[str, Any], list[str]]:
    """Read the chart's own values, and its keys in the order in which a reader wants them."""
    schema = json.loads(asset(f"{CHART}/values.schema.json"))
    return yaml.load(asset(f"{CHART}/values.yaml"), yaml.CSafeLoader), list(schema["properties"])


def _with_own_image(workload: Workload, spec: Any) -> Any:
    """Leave out the service's image everywhere: the chart puts it there."""
    if isinstance(spec, Mapping):
        return {
            key: _with_own_image(workload, value)
            for key, value in spec.items()
            if (key, value) != ("image", workload.image)
        }
    return [_with_own_image(workload, item) for item in spec] if isinstance(spec, list) else spec


def _hook(workload: Workload, kind: str, spec: Object) -> dict[str, str]:
    """Return when a job runs that has the account or settings of its service.

    Before the first install there are none.
    """
    if kind != "Job":
        return {}
    pod, name = spec["template"]["spec"], workload.name
    named = (configs.config_name, configs.files_name, configs.secret_name, configs.leased_name)
    own = [naming(name) for naming in named]
    reads = pod.get("serviceAccountName") == name or any(resource in str(pod) for resource in own)
    return {"hook": "post-install,pre-upgrade"} if reads else {}
