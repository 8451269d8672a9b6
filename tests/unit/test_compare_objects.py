"""What only a renderer decides is told by kind and keys; what the plan says already is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from compared import ENVIRONMENTS, compared, edited, said
from demo_system import DEMO

from tarmac.base.artifact import Artifact, recognised
from tarmac.plan.cluster import ClusterPlan

BASE = DEMO + ENVIRONMENTS.replace("      kind: {}\n", "")
#: The model's only edit: a setting that nothing shows but the made-up renderer below.
OTHER = edited(BASE, ("zones: 3", "zones: 3\n        monitoring: other"))
NAMES = {"metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "web"}}}


def an(api: str, kind: str, **body: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, **copy.deepcopy(NAMES), **body}


def file(path: str, content: object) -> Artifact:
    """Make a file as a renderer does that declares objects."""
    return Artifact(path, content, place="tarmac.yaml:1:1", format=recognised(content))


def one_of(
    old: object, new: object, path: str = "k8s/web/one.yaml"
) -> Callable[[ClusterPlan], tuple[Artifact, ...]]:
    """Render one file, which is the second where the model is the edited one."""

    def render(plan: ClusterPlan) -> tuple[Artifact, ...]:
        content = new if plan.settings.monitoring == "other" else old
        return () if content is None else (file(path, content),)

    return render


def told(old: object, new: object, path: str = "k8s/web/one.yaml") -> list[str]:
    """Say what is told besides the edit itself."""
    found = said(compared(BASE, OTHER, one_of(old, new, path)))
    setting = "medium setting demo: monitoring `monitoring` -> `other`"
    assert setting in found
    return [change for change in found if change != setting]


def deployment(**pod: Any) -> dict[str, Any]:
    return an("apps/v1", "Deployment", spec={"template": {"spec": pod}})


def container(**keys: Any) -> dict[str, Any]:
    return deployment(containers=[{"name": "web", **keys}])


def role(*rules: tuple[str, list[str], list[str]]) -> dict[str, Any]:
    return an(
        "rbac.authorization.k8s.io/v1",
        "Role",
        rules=[{"apiGroups": [g], "resources": r, "verbs": v} for g, r, v in rules],
    )


def policy(*sources: str) -> dict[str, Any]:
    peers = [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": source}}} for source in sources
    ]
    rule = {"from": peers, "ports": [{"protocol": "TCP", "port": 8080}]}
    return an("networking.k8s.io/v1", "NetworkPolicy", spec={"ingress": [rule]})


ENFORCE = "pod-security.kubernetes.io/enforce"


def namespace(profile: str) -> dict[str, Any]:
    return an("v1", "Namespace") | {"metadata": {"name": "demo", "labels": {ENFORCE: profile}}}


PDB = an("policy/v1", "PodDisruptionBudget", spec={"minAvailable": 2})
PROBE = {"httpGet": {"path": "/health", "port": 8080}}
QUOTA = an("v1", "ResourceQuota", spec={"hard": {"requests.cpu": "40"}})
CASES = {
    "a budget gone": (PDB, None, ["high disruption web: PodDisruptionBudget removed"]),
    "a policy gone": (policy("a"), None, ["high policy web: NetworkPolicy removed"]),
    "a policy more": (None, policy("a"), ["medium policy web: NetworkPolicy added"]),
    "a wider policy": (
        policy("a"),
        policy("a", "b"),
        ["high policy web: NetworkPolicy now lets in from pods `b`"],
    ),
    "a narrower policy": (
        policy("a", "b"),
        policy("a"),
        ["low policy web: NetworkPolicy no longer lets in from pods `b`"],
    ),
    "a role that may more": (
        role(("", ["pods"], ["get"])),
        role(("", ["pods"], ["get", "delete"]), ("apps", ["deployments"], ["patch"])),
        ["high permission web: Role `web` now allows `patch deployments.apps` and `delete pods`"],
    ),
    "a role that may less": (
        role(("", ["pods"], ["get", "list"])),
        role(("", ["pods"], ["list"])),
        ["low permission web: Role `web` no longer allows `get pods`"],
    ),
    "a role that is new": (
        None,
        role(("", ["secrets"], ["*"])),
        ["high permission web: Role `web` now allows `* secrets`"],
    ),
    "a different cloud role": (
        an("v1", "ServiceAccount"),
        an("v1", "ServiceAccount") | {"metadata": {**NAMES["metadata"], "annotations": {"r": "x"}}},
        ["high permission web: ServiceAccount: new `metadata.annotations` = `{r: x}`"],
    ),
    "a probe gone": (
        container(livenessProbe=PROBE),
        container(),
        [
            (
                "high probe web: Deployment: `spec.template.spec.containers[*].livenessProbe` "
                "removed (was `{httpGet: {path: /health, port: 8080}}`)"
            )
        ],
    ),
    "a privilege": (
        container(securityContext={"privileged": False}),
        container(securityContext={"privileged": True}),
        [
            (
                "high security web: Deployment: `spec.template.spec.containers[*].securityContext."
                "privileged` `false` -> `true`"
            )
        ],
    ),
    "a privilege less": (
        deployment(hostNetwork=True),
        deployment(hostNetwork=False),
        ["low security web: Deployment: `spec.template.spec.hostNetwork` `true` -> `false`"],
    ),
    "a looser profile": (
        namespace("restricted"),
        namespace("baseline"),
        [f"high security demo: Namespace: `metadata.labels.{ENFORCE}` `restricted` -> `baseline`"],
    ),
    "an autoscaler gone": (
        an("autoscaling/v2", "HorizontalPodAutoscaler", spec={"maxReplicas": 9}),
        None,
        ["medium scale web: HorizontalPodAutoscaler removed"],
    ),
    "a claim gone": (
        an("v1", "PersistentVolumeClaim", spec={}),
        None,
        ["high storage web: PersistentVolumeClaim removed"],
    ),
    "a shorter retention": (
        an("monitoring.coreos.com/v1", "Prometheus", spec={"retention": "30d"}),
        an("monitoring.coreos.com/v1", "Prometheus", spec={"retention": "7d"}),
        ["high storage web: Prometheus: `spec.retention` `30d` -> `7d`"],
    ),
    "a quota": (QUOTA, None, ["medium quota web: ResourceQuota removed"]),
    "a way in": (
        None,
        an("networking.k8s.io/v1", "Ingress", spec={"rules": [{"host": "x.example.com"}]}),
        ["high route web: Ingress added"],
    ),
    "anything else": (
        an("v1", "Thing", spec={"colour": "red"}),
        an("v1", "Thing", spec={"colour": "blue"}),
        ["low other web: Thing: `spec.colour` `red` -> `blue`"],
    ),
    "the order of keys": (
        an("v1", "Thing", a=1, b=2),
        an("v1", "Thing", b=2, a=1),
        ["low other web: only the order or comments of a file differ"],
    ),
    "the order of entries": (
        an("v1", "Thing", spec=[{"name": "a"}, {"name": "b"}]),
        an("v1", "Thing", spec=[{"name": "b"}, {"name": "a"}]),
        ["low other web: only the order or comments of a file differ"],
    ),
    "a number that became text": (
        an("v1", "Thing", spec={"port": 80}),
        an("v1", "Thing", spec={"port": "80"}),
        ["low other web: Thing: `spec.port` `80` -> `80`"],
    ),
    "a new first entry": (
        an("v1", "Thing", spec=[{"to": "a"}, {"to": "b"}]),
        an("v1", "Thing", spec=[{"to": "c"}, {"to": "a"}, {"to": "b"}]),
        ["low other web: Thing: new `spec[]` = `{to: c}`"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_difference_of_an_object_is_reported_by_its_kind_and_keys(case):
    old, new, expected = CASES[case]
    assert told(old, new) == expected


def test_changed_lines_of_a_text_file_are_reported():
    assert told("a\nb\n", "a\nc\n", "scripts/setup.sh") == [
        "low other demo: file `scripts/setup.sh`: had `b`",
        "low other demo: file `scripts/setup.sh`: has now `c`",
    ]


def test_objects_of_one_name_in_two_folders_are_two():
    def render(plan: ClusterPlan) -> tuple[Artifact, ...]:
        other = plan.settings.monitoring == "other"
        return (
            file("k8s/web/x.yaml", an("v1", "Thing", spec={"n": 1})),
            file("chart/web/x.yaml", an("v1", "Thing", spec={"n": 2 if other else 1})),
        )

    found = compared(BASE, OTHER, render)
    assert [change.names for change in found if change.what == "other"] == [("chart/web/x.yaml",)]


def test_a_namespace_that_moves_is_reported_once_and_not_for_each_object():
    def render(plan: ClusterPlan) -> tuple[Artifact, ...]:
        content = an("v1", "Thing")
        content["metadata"]["namespace"] = plan.namespace
        return (file("k8s/web/x.yaml", content),)

    new = edited(BASE, ("zones: 3", "zones: 3\n        namespace: elsewhere"))
    assert said(compared(BASE, new, render)) == [
        "high setting demo: namespace `demo` -> `elsewhere`"
    ]


def test_what_a_new_edge_makes_of_policies_is_reported_by_the_edge_alone():
    def render(plan: ClusterPlan) -> tuple[Artifact, ...]:
        sources = sorted(e.source for e in plan.allowed if e.target == "web")
        return (file("k8s/web/networkpolicy.yaml", policy(*sources)),)

    new = edited(BASE, ("port: 8000\n", "port: 8000\n        calls: [web]\n"))
    assert said(compared(BASE, new, render)) == [
        "high edge web: may now be called by `product-service` (new edge, port 8080)"
    ]


def test_a_policy_that_lets_in_more_than_the_edges_say_is_reported_beside_them():
    def render(plan: ClusterPlan) -> tuple[Artifact, ...]:
        sources = sorted(e.source for e in plan.allowed if e.target == "web")
        more = ["monitoring"] if "product-service" in sources else []
        return (file("k8s/web/networkpolicy.yaml", policy(*sources, *more)),)

    new = edited(BASE, ("port: 8000\n", "port: 8000\n        calls: [web]\n"))
    assert said(compared(BASE, new, render)) == [
        "high edge web: may now be called by `product-service` (new edge, port 8080)",
        "high policy web: NetworkPolicy now lets in from pods `monitoring`",
    ]


def test_a_job_that_is_named_by_a_digest_is_the_same_job():
    def render(plan: ClusterPlan) -> tuple[Artifact, ...]:
        tag = plan.workload("web").image.rpartition(":")[2]
        digest = {"0.1.0": "0123abcd", "0.2.0": "dcba3210"}[tag]
        image = [{"name": "web", "image": plan.workload("web").image}]
        content = an("batch/v1", "Job", spec={"template": {"spec": {"containers": image}}})
        content["metadata"]["name"] = f"web-migration-{digest}"
        return (file("k8s/web/job.yaml", content),)

    new = edited(BASE, ("zones: 3", "zones: 3\n        version: 0.2.0"))
    (change,) = compared(BASE, new, render)
    assert change.what == "image"
