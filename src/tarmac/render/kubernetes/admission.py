"""The rules that the API server itself holds pods to, without a controller."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.kubernetes.parts.images import exempt, known
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.renderer import Renderer

API, POLICY = "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"
ASSET = "kubernetes/admission.yaml"
#: The answers to a pod that breaks a rule; both leave a line in the audit log.
ACTIONS = {"warn": ["Warn", "Audit"], "deny": ["Deny", "Audit"]}


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
