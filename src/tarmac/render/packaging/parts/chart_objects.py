"""Objects that a service has one of, as values of the chart: each kind with its reader."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import Workload
from tarmac.render.kubernetes.parts import configs
from tarmac.render.packaging.parts.chart_deployment import Object, deployment_values


def _service(workload: Workload, service: Object) -> dict[str, Any]:
    """Keep of a Service what its ports and its pods do not say."""
    del workload
    said = ("type", "selector", "ports")
    spec = {key: value for key, value in service["spec"].items() if key not in said}
    return {"service": {"spec": spec}} if spec else {}


def _config(workload: Workload, config: Object) -> dict[str, Any]:
    what = "files" if config["metadata"]["name"] == configs.files_name(workload.name) else "config"
    return {what: dict(config["data"])}


def _autoscaling(workload: Workload, autoscaler: Object) -> dict[str, Any]:
    """Write the usual metrics as percentages, others as they are."""
    spec = autoscaler["spec"]
    found = {key: spec[key] for key in ("minReplicas", "maxReplicas") if key in spec}
    target = {key: value for key, value in spec["scaleTargetRef"].items() if key != "name"}
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


def _budget(workload: Workload, budget: Object) -> dict[str, Any]:
    del workload
    spec = {key: value for key, value in budget["spec"].items() if key != "selector"}
    return {"podDisruptionBudget": spec}


#: Kinds that a service has one of, each with what reads its values off it.
ONE = {
    "Deployment": deployment_values,
    "Service": _service,
    "ServiceAccount": lambda workload, account: {},
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
