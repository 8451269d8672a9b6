"""A service's Deployment as values of the chart: the pod, its container, what is said of both."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from tarmac.plan.cluster import Workload
from tarmac.render.kubernetes.parts import configs
from tarmac.render.kubernetes.parts.metadata import NAME

#: Has the pods replaced when a setting changes; the chart computes it from the values.
CHECKSUM = "tarmac.dev/config"
Object = Mapping[str, Any]


def _image(image: str, policy: str) -> dict[str, str]:
    repository, _, digest = image.partition("@")
    tag = ""
    if not digest:
        repository, _, tag = image.rpartition(":")
    version = {"digest": digest} if digest else {"tag": tag}
    return {"repository": repository, **version, "pullPolicy": policy}


def deployment_values(workload: Workload, deployment: Object) -> dict[str, Any]:
    """Take a Deployment apart; what has no value of its own stays whole in `pod`, `container`."""
    spec = deepcopy(dict(deployment["spec"]))
    template = spec.pop("template")
    pod = template["spec"]
    container, *sidecars = pod.pop("containers")
    secret, config = configs.secret_name(workload.name), configs.config_name(workload.name)
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
    own = deployment["metadata"]["labels"]
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
