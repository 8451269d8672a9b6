"""The namespace refuses what is not restricted, and people may do what the matrix says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from objects import named, objects_of
from rendered import TYPICAL, plan_of

from tarmac.render.kubernetes.namespace import limits as limit_range
from tarmac.render.kubernetes.parts.roles import MATRIX, OPEN, ROLES, group

every = pytest.mark.parametrize(("system", "environment"), TYPICAL)

#: As `kubectl auth can-i` is asked, for production: who, verb, resource, the answer.
ASKED = [
    ("viewer", "list", "pods", True),
    ("viewer", "get", "pods/log", True),
    ("viewer", "get", "secrets", False),
    ("viewer", "create", "pods/exec", False),
    ("viewer", "delete", "pods", False),
    ("viewer", "patch", "deployments.apps", False),
    ("developer", "get", "pods/log", True),
    ("developer", "list", "deployments.apps", True),
    ("developer", "get", "secrets", False),
    ("developer", "list", "secrets", False),
    ("developer", "create", "pods/exec", False),
    ("developer", "create", "pods/portforward", False),
    ("developer", "patch", "deployments.apps", False),
    ("developer", "create", "jobs.batch", False),
    ("operator", "delete", "pods", True),
    ("operator", "create", "pods/exec", True),
    ("operator", "patch", "deployments.apps", True),
    ("operator", "update", "deployments.apps/scale", True),
    ("operator", "get", "secrets", False),
    ("operator", "create", "secrets", False),
    ("operator", "create", "jobs.batch", False),
    ("operator", "patch", "networkpolicies.networking.k8s.io", False),
    ("operator", "create", "rolebindings.rbac.authorization.k8s.io", False),
]


def can(rules, verb: str, asked: str) -> bool:
    """Answer as an API server does: RESOURCE.GROUP/SUBRESOURCE."""
    resource, _, sub = asked.partition("/")
    resource, _, api_group = resource.partition(".")
    wanted = f"{resource}/{sub}" if sub else resource
    return any(
        api_group in rule["apiGroups"] and wanted in rule["resources"] and verb in rule["verbs"]
        for rule in rules
    )


@pytest.mark.parametrize(("role", "verb", "resource", "answer"), ASKED)
def test_in_production_people_may_do_what_the_matrix_says(role, verb, resource, answer):
    rules = named("shop", "production", "Role", role)["rules"]
    assert can(rules, verb, resource) is answer


def test_where_nothing_is_at_stake_a_developer_goes_into_pods_but_reads_no_secret():
    rules = named("travel", "dev", "Role", "developer")["rules"]
    assert can(rules, "create", "pods/exec")
    assert can(rules, "patch", "deployments.apps")
    assert not can(rules, "get", "secrets")
    assert "stg" not in OPEN, "what is no environment for trying things is taken for production"


@every
def test_nobody_has_everything_and_no_workload_has_anything(system, environment):
    for role in objects_of(system, environment, "Role"):
        for rule in role["rules"]:
            assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])
            assert "secrets" not in rule["resources"]
    bindings = objects_of(system, environment, "RoleBinding")
    assert len(bindings) == len(ROLES)
    for binding in bindings:
        assert binding["roleRef"]["kind"] == "Role"
        (subject,) = binding["subjects"]
        assert subject["kind"] == "Group"
        assert subject["name"] == group(system, binding["roleRef"]["name"])
    assert objects_of(system, environment, "ClusterRoleBinding") == []
    for manifest in objects_of(system, environment, "ServiceAccount"):
        assert manifest["automountServiceAccountToken"] is False


@every
def test_the_roles_are_the_matrix(system, environment):
    for role in ROLES:
        rules = named(system, environment, "Role", role)["rules"]
        written = {
            (rule["apiGroups"][0], resource, verb)
            for rule in rules
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
        wanted = {
            (row.group, resource, verb)
            for row in MATRIX
            for resource in row.resources
            for verb in row.verbs(role, environment)
        }
        assert written == wanted


@every
def test_the_namespace_refuses_pods_that_are_not_restricted(system, environment):
    plan = plan_of(system, environment)
    labels = named(system, environment, "Namespace", plan.namespace)["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert labels[f"pod-security.kubernetes.io/{mode}-version"].startswith("v1.")
    assert (labels.get("istio-injection") == "enabled") is (plan.settings.mesh == "istio")


@pytest.mark.parametrize(
    ("limits", "requests"),
    [
        ({"cpu": "500m", "memory": "512Mi"}, {"cpu": "100m", "memory": "128Mi"}),
        ({"cpu": "0.05", "memory": "64Mi"}, {"cpu": "0.05", "memory": "64Mi"}),
        ({"memory": "100M"}, {"cpu": "100m", "memory": "100M"}),
    ],
)
def test_what_is_requested_by_default_is_not_above_what_is_allowed(limits, requests):
    plan = plan_of("hello-dd", "kind")
    resources = plan.settings.resources.model_copy(update={"limits": limits})
    settings = plan.settings.model_copy(update={"resources": resources})
    made = limit_range(replace(plan, settings=settings))
    (limit,) = made.data["spec"]["limits"]
    assert limit["defaultRequest"] == requests
    assert limit["default"] == limits
