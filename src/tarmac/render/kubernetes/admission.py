"""The rules that the API server itself holds pods to, without a controller."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.kubernetes.parts.sidecars import SIDECARS
from tarmac.render.renderer import Renderer

API, POLICY = "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"
ASSET = "kubernetes/admission.yaml"
#: The answers to a pod that breaks a rule; both leave a line in the audit log.
ACTIONS = {"warn": ["Warn", "Audit"], "deny": ["Deny", "Audit"]}


def repository(image: str) -> str:
    """Cut an image's tag and digest off: `registry.example.com/shop/orders`."""
    path, _, name = image.partition("@")[0].rpartition("/")
    return f"{path}/{name.partition(':')[0]}" if path else name.partition(":")[0]


def known(plan: ClusterPlan) -> list[str]:
    """List the repositories of images that a pod of the environment may have."""
    images = {workload.image for workload in plan.workloads}
    images |= {store.exporter.image for store in plan.stores if store.exporter}
    found = {repository(image) for image in images if image}
    if plan.settings.mesh:
        found.add(SIDECARS[plan.settings.mesh])
    return sorted(found)


def exempt(plan: ClusterPlan) -> list[str]:
    """List the repositories of images that may run as root."""
    return [SIDECARS[plan.settings.mesh]] if plan.settings.mesh else []


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the policy and what binds it to the namespace, where the environment wants one."""
    action = plan.settings.admission
    if action is None:
        return
    lists = {"known": json.dumps(known(plan)), "exempt": json.dumps(exempt(plan))}
    name = f"{plan.namespace}-pods"
    yield an_object(plan, API, POLICY, name, {"spec": texts.filled_asset(ASSET, lists)})
    bound = {
        "policyName": name,
        "validationActions": ACTIONS[action],
        "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": plan.namespace}}
        },
    }
    yield an_object(plan, API, f"{POLICY}Binding", name, {"spec": bound})


RENDERER = Renderer(
    id="k8s-admission",
    phase="security",
    title="ValidatingAdmissionPolicy on the images and users of pods",
    render=render,
)
