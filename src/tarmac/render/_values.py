"""The values of a service for the chart, read off the objects of the plain tree.

So both say the same. What the chart says by itself is left out; a kind for which it has no template
is not here: `has_template` tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import yaml

from tarmac.plan.cluster import Workload
from tarmac.render import _pods
from tarmac.render._assets import asset
from tarmac.render._objects import NAME

CHART = "chart/service"
#: Kinds whose spec is a value as it stands, by the object's name.
WHOLE = {
    "ExternalSecret": "externalSecrets",
    "NetworkPolicy": "networkPolicies",
    "ServiceMonitor": "serviceMonitors",
    "Ingress": "ingresses",
    "HTTPRoute": "httpRoutes",
    "PersistentVolumeClaim": "persistentVolumeClaims",
    "CronJob": "cronJobs",
    "Job": "jobs",
    "Gateway": "gateways",
    "Canary": "canaries",
    "MetricTemplate": "metricTemplates",
    "Rollout": "rollouts",
    "AnalysisTemplate": "analysisTemplates",
}
#: The chart says these itself; the release is what manages the object.
SAID = {NAME, "app.kubernetes.io/managed-by"}

#: Has the pods replaced when a setting changes; the chart computes it from the values.
CHECKSUM = "tarmac.dev/config"

Object = Mapping[str, Any]


def has_template(kind: str) -> bool:
    """Tell whether the chart makes objects of a kind."""
    return kind in WHOLE or kind in ONE


def values(workload: Workload, objects: Iterable[Object]) -> dict[str, Any]:
    """Give the values with which the chart makes a service's objects."""
    objects = tuple(objects)
    shared = next(e["metadata"]["labels"] for e in objects if e["kind"] == "Deployment")
    shared = {key: value for key, value in shared.items() if key not in SAID}
    found: dict[str, Any] = {"name": workload.name, "labels": shared}
    for each in objects:
        kind, metadata = each["kind"], each["metadata"]
        more = {
            "labels": {
                k: v for k, v in metadata["labels"].items() if k not in SAID and shared.get(k) != v
            },
            "annotations": metadata.get("annotations", {}),
        }
        more = {key: value for key, value in more.items() if value}
        if kind == "Service" and metadata["name"] != workload.name:
            found.setdefault("services", {})[metadata["name"]] = {**more, "spec": each["spec"]}
        elif kind in ONE:
            own = ONE[kind](workload, each)
            key = MORE.get(kind, "")
            if key and more:
                own[key] = {**own.get(key, {}), **more}
            found |= own
        elif kind in WHOLE:
            spec = _with_own_image(workload, each["spec"])
            entry = {**more, **_hook(workload, kind, spec), "spec": spec}
            found.setdefault(WHOLE[kind], {})[metadata["name"]] = entry
    if workload.ports and not any(each["kind"] == "Service" for each in objects):
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
    return yaml.safe_load(asset(f"{CHART}/values.yaml")), list(schema["properties"])


def _with_own_image(workload: Workload, spec: Any) -> Any:
    """Leave out the service's image wherever it stands: the chart puts it there."""
    if isinstance(spec, Mapping):
        return {
            key: _with_own_image(workload, value)
            for key, value in spec.items()
            if (key, value) != ("image", workload.image)
        }
    return [_with_own_image(workload, each) for each in spec] if isinstance(spec, list) else spec


def _hook(workload: Workload, kind: str, spec: Object) -> dict[str, str]:
    """Say when a job runs that has the account or settings of its service.

    Before the first install there are none.
    """
    if kind != "Job":
        return {}
    pod, name = spec["template"]["spec"], workload.name
    own = (_pods.config_name(name), _pods.files_name(name), _pods.secret_name(name))
    reads = pod.get("serviceAccountName") == name or any(each in str(pod) for each in own)
    return {"hook": "post-install,pre-upgrade"} if reads else {}


def _image(image: str, policy: str) -> dict[str, str]:
    repository, _, digest = image.partition("@")
    tag = ""
    if not digest:
        repository, _, tag = image.rpartition(":")
    version = {"digest": digest} if digest else {"tag": tag}
    return {"repository": repository, **version, "pullPolicy": policy}


def _deployment(workload: Workload, each: Object) -> dict[str, Any]:
    """Take a Deployment apart; what has no value of its own stays whole in `pod`, `container`."""
    spec = deepcopy(dict(each["spec"]))
    template = spec.pop("template")
    pod = template["spec"]
    container, *sidecars = pod.pop("containers")
    secret, config = _pods.secret_name(workload.name), _pods.config_name(workload.name)
    env, secret_env = [], {}
    for variable in container.pop("env", []):
        source = variable.get("valueFrom", {}).get("secretKeyRef", {})
        if source.get("name") == secret:
            secret_env[variable["name"]] = source["key"]
        else:
            env.append(variable)
    if container.get("envFrom") == [{"configMapRef": {"name": config}}]:
        del container["envFrom"]
    probes = {k: container.pop(f"{k}Probe", None) for k in ("startup", "liveness", "readiness")}
    spread = [
        {key: value for key, value in rule.items() if key != "labelSelector"}
        for rule in pod.pop("topologySpreadConstraints", [])
    ]
    metadata = template["metadata"]
    own = each["metadata"]["labels"]
    found = {
        "image": _image(container.pop("image"), container.pop("imagePullPolicy")),
        "ports": dict(workload.ports),
        "secretEnv": secret_env,
        "env": env,
        "probes": {name: probe for name, probe in probes.items() if probe},
        "resources": container.pop("resources"),
        "lifecycle": container.pop("lifecycle", {}),
        "securityContext": container.pop("securityContext"),
        "volumeMounts": container.pop("volumeMounts", []),
        "podSecurityContext": pod.pop("securityContext"),
        "terminationGracePeriodSeconds": pod.pop("terminationGracePeriodSeconds"),
        "nodeSelector": pod.pop("nodeSelector", {}),
        "topologySpread": spread,
        "volumes": pod.pop("volumes", []),
        "revisionHistoryLimit": spec.pop("revisionHistoryLimit"),
        "strategy": spec.pop("strategy"),
        "podAnnotations": {
            k: v for k, v in metadata.get("annotations", {}).items() if k != CHECKSUM
        },
        "podLabels": {k: v for k, v in metadata["labels"].items() if k not in own},
        "sidecars": sidecars,
    }
    if "replicas" in spec:
        found["replicaCount"] = spec.pop("replicas")
    labels = spec.pop("selector")["matchLabels"]
    found["selectorLabels"] = {k: v for k, v in labels.items() if k != NAME}
    del container["name"], container["ports"]
    for said in ("serviceAccountName", "automountServiceAccountToken", "enableServiceLinks"):
        del pod[said]
    return {
        **found,
        "pod": pod,
        "container": container,
        **({"deployment": {"spec": spec}} if spec else {}),
    }


def _service(workload: Workload, each: Object) -> dict[str, Any]:
    """Keep of a Service what its ports and its pods do not say."""
    del workload
    said = ("type", "selector", "ports")
    spec = {key: value for key, value in each["spec"].items() if key not in said}
    return {"service": {"spec": spec}} if spec else {}


def _config(workload: Workload, each: Object) -> dict[str, Any]:
    what = "files" if each["metadata"]["name"] == _pods.files_name(workload.name) else "config"
    return {what: dict(each["data"])}


def _autoscaling(workload: Workload, each: Object) -> dict[str, Any]:
    """Write the usual metrics as percentages, others as they are."""
    spec = each["spec"]
    found = {key: spec[key] for key in ("minReplicas", "maxReplicas") if key in spec}
    target = {key: each for key, each in spec["scaleTargetRef"].items() if key != "name"}
    if target["kind"] != "Deployment":
        found["target"] = target
    others = []
    for metric in spec.get("metrics", []):
        of_container = metric.get("containerResource", {})
        measured = of_container or metric.get("resource", {})
        percent = measured.get("target", {}).get("averageUtilization")
        if percent is None or measured.get("container", workload.name) != workload.name:
            others.append(metric)
            continue
        found[measured["name"]] = percent
        if of_container:
            found["ofContainer"] = True
    more = {"metrics": others, "behavior": spec.get("behavior", {})}
    return {"autoscaling": found | {key: value for key, value in more.items() if value}}


def _budget(workload: Workload, each: Object) -> dict[str, Any]:
    del workload
    spec = {key: value for key, value in each["spec"].items() if key != "selector"}
    return {"podDisruptionBudget": spec}


#: Kinds that a service has one of, each with what reads its values off it.
ONE = {
    "Deployment": _deployment,
    "Service": _service,
    "ServiceAccount": lambda workload, each: {},
    "ConfigMap": _config,
    "HorizontalPodAutoscaler": _autoscaling,
    "PodDisruptionBudget": _budget,
}
#: Where their own labels and annotations go.
MORE = {
    "Deployment": "deployment",
    "Service": "service",
    "ServiceAccount": "serviceAccount",
    "HorizontalPodAutoscaler": "autoscaling",
    "PodDisruptionBudget": "podDisruptionBudget",
}
