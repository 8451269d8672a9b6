"""Gatekeeper's policies on pods, and pods with which gator tries them without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.assets import asset
from tarmac.render.kubernetes.parts.images import exempt, known
from tarmac.render.renderer import Renderer

TEMPLATES, CONSTRAINTS = "templates.gatekeeper.sh/v1", "constraints.gatekeeper.sh/v1beta1"
SUITES = "test.gatekeeper.sh/v1alpha1"
ASSETS, HOME = "gatekeeper", "policies"
USER = 65534


def _template(name: str, policy: Mapping[str, Any]) -> dict[str, Any]:
    listed = {"type": "array", "items": {"type": "string"}}
    schema = {"type": "object", "properties": {policy["parameter"]: listed}}
    made = {"names": {"kind": policy["kind"]}, "validation": {"openAPIV3Schema": schema}}
    target = {"target": "admission.k8s.gatekeeper.sh", "rego": asset(f"{ASSETS}/{name}.rego")}
    return {
        "apiVersion": TEMPLATES,
        "kind": "ConstraintTemplate",
        "metadata": {"name": name, "annotations": {"description": policy["about"]}},
        "spec": {"crd": {"spec": made}, "targets": [target]},
    }


def _constraint(plan: ClusterPlan, name: str, policy: Mapping[str, Any]) -> dict[str, Any]:
    lists = {
        "exemptImages": [f"{image}:*" for image in exempt(plan)],
        "repositories": known(plan),
    }
    pods = {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}], "namespaces": [plan.namespace]}
    return {
        "apiVersion": CONSTRAINTS,
        "kind": policy["kind"],
        "metadata": {"name": f"{plan.namespace}-{name.removeprefix('k8s')}"},
        "spec": {
            "enforcementAction": plan.settings.gatekeeper,
            "match": pods,
            "parameters": {policy["parameter"]: lists[policy["parameter"]]},
        },
    }


def _pod(plan: ClusterPlan, name: str, case: Mapping[str, Any]) -> dict[str, Any]:
    """Make a pod that every policy lets in, with what a case changes of it."""
    container = {"name": "app", "image": plan.services[0].image}
    spec: dict[str, Any] = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": USER},
        "containers": [{**container, **case.get("container", {})}],
        **case.get("pod", {}),
    }
    if "init" in case:
        spec["initContainers"] = [{**container, "name": "init", **case["init"]}]
    metadata = {"name": name, "namespace": plan.namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _cases(plan: ClusterPlan, policy: Mapping[str, Any]) -> dict[str, Any]:
    """Read the cases of a policy; none of an exemption where nothing is exempt."""
    exempted = exempt(plan)
    given = {
        "repository": known(plan)[0],
        "exempt": f"{exempted[0]}:1.2.3" if exempted else "",
    }
    cases = {n: c for n, c in policy["cases"].items() if exempted or c.get("needs") != "exempt"}
    filled: dict[str, Any] = texts.filled(cases, given, ASSETS)
    return filled


def _tried(plan: ClusterPlan, policies: Mapping[str, Any]) -> Iterator[Artifact]:
    """Yield gator's suite and its pods."""
    tests = []
    for name, policy in policies.items():
        cases = []
        for case, said in _cases(plan, policy).items():
            path = f"{name}/{case}.yaml"
            yield Artifact(f"{HOME}/tests/{path}", _pod(plan, case, said), plan.model)
            asserted = [{"violations": said["violations"]}]
            cases.append({"name": case, "object": path, "assertions": asserted})
        own = {"template": f"../templates/{name}.yaml", "constraint": f"../constraints/{name}.yaml"}
        tests.append({"name": name, **own, "cases": cases})
    suite = {"kind": "Suite", "apiVersion": SUITES, "tests": tests}
    yield Artifact(f"{HOME}/tests/suite.yaml", suite, plan.model)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield policies, what they are asked by, their tests and the steps, where there is one."""
    if plan.settings.gatekeeper is None:
        return
    policies: dict[str, Any] = texts.parsed(asset(f"{ASSETS}/policies.yaml"))
    for name, policy in policies.items():
        yield Artifact(f"{HOME}/templates/{name}.yaml", _template(name, policy), plan.model)
        made = _constraint(plan, name, policy)
        yield Artifact(f"{HOME}/constraints/{name}.yaml", made, plan.model)
    yield from _tried(plan, policies)
    values = asset(f"{ASSETS}/values.yaml")
    yield Artifact(f"{HOME}/values/gatekeeper.yaml", values, plan.model)
    given = {
        "system": plan.system,
        "environment": plan.environment,
        "namespace": plan.namespace,
        "version": versions.read().charts["gatekeeper"].version,
        "rows": "\n".join(f"| `{p['kind']}` | {p['about']} |" for p in policies.values()),
        "kinds": " ".join(policies),
    }
    page = texts.filled(asset(f"{ASSETS}/README.md"), given, "README.md")
    yield Artifact(f"{HOME}/README.md", page, plan.model)


RENDERER = Renderer(
    id="gatekeeper",
    phase="security",
    title="Gatekeeper's policies on pods, their tests, and the values of its chart",
    render=render,
)
