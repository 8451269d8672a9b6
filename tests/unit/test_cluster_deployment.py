"""A deployment's waves, its record, and its way back, against a cluster that only remembers."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tarmac.run.cluster import deployment as deployments
from tarmac.run.cluster import release as releases
from tarmac.run.cluster.deployment import Deployment
from tarmac.run.cluster.kubectl import Kubectl, Object, Refusal
from tarmac.run.cluster.objects import ObjectId
from tarmac.run.cluster.planning import plan
from tarmac.run.cluster.release import Release

LABELS = {
    "app.kubernetes.io/part-of": "shop",
    "app.kubernetes.io/managed-by": "tarmac",
}


@dataclass(frozen=True)
class Memory(Kubectl):
    """Keeps what is applied; all of it is ready at once but what is named."""

    kept: dict[ObjectId, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    #: Names of workloads that fail, and of objects that are refused.
    failing: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def kinds(self) -> frozenset[tuple[str, str]]:
        known = ("Namespace", "ConfigMap", "Service", "Pod")
        more = (("apps/v1", "Deployment"), ("autoscaling/v2", "HorizontalPodAutoscaler"))
        return frozenset({*(("v1", kind) for kind in known), *more})

    def live(self, objects: Any) -> list[dict[str, Any]]:
        asked = [ObjectId.of(found) for found in objects]
        return [copy.deepcopy(self.kept[found]) for found in asked if found in self.kept]

    def apply(self, objects: Any, *, dry: bool = False) -> list[dict[str, Any]]:
        made = [self._made(found) for found in objects]
        for found in made:
            if found["metadata"]["name"] in self.refused:
                raise Refusal("it is not allowed")
        if not dry:
            self.kept.update({ObjectId.of(found): found for found in made})
            self.calls.extend(f"apply {ObjectId.of(found)}" for found in made)
        return made

    def delete(self, objects: Any) -> None:
        for found in map(ObjectId.of, objects):
            self.kept.pop(found, None)
            self.calls.append(f"delete {found}")

    def get(self, namespace: str, *kinds: str) -> list[dict[str, Any]]:
        del namespace, kinds
        return []

    def _made(self, found: Object) -> dict[str, Any]:
        made = copy.deepcopy(dict(found))
        made["metadata"] = {**made["metadata"], "uid": made["metadata"]["name"]}
        if made["kind"] == "Deployment":
            stuck = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "status": "False"}
            ready = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
            failing = made["metadata"]["name"] in self.failing
            made["status"] = {"conditions": [stuck]} if failing else ready
        return made


def an_object(kind: str, name: str, **more: Any) -> dict[str, Any]:
    grouped = {"Deployment": "apps/v1", "HorizontalPodAutoscaler": "autoscaling/v2"}
    api = grouped.get(kind, "v1")
    labels = {**LABELS, "app.kubernetes.io/component": "service"}
    namespace = {} if kind == "Namespace" else {"namespace": "shop"}
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, **namespace, "labels": labels},
        **more,
    }


NAMESPACE = an_object("Namespace", "shop")
SETTINGS = an_object("ConfigMap", "web-config", data={"LEVEL": "info"})
WEB = an_object("Deployment", "web", spec={"selector": {"matchLabels": {"a": "web"}}})
MONITOR = {**an_object("ServiceMonitor", "web"), "apiVersion": "monitoring.coreos.com/v1"}
FIRST = Release("shop", "kind", "shop", (WEB, SETTINGS, NAMESPACE))


def memory() -> Memory:
    return Memory("kubectl", "it", Path("config"))


def deploy(cluster: Memory, release: Release) -> Deployment:
    deployment = Deployment(cluster, release, timeout_s=1, say=lambda _: None)
    assert deployment.apply(plan(cluster, release)).ready
    return deployment


def test_objects_come_in_waves_after_the_record_that_names_them():
    cluster = memory()
    deploy(cluster, FIRST)
    record = "apply ConfigMap tarmac-release-shop"
    assert cluster.calls == [
        "apply Namespace shop",
        record,
        "apply ConfigMap web-config",
        "apply Deployment web",
        record,
    ]
    assert set(releases.read(cluster, FIRST).there) == set(releases.ids(FIRST.objects))


def test_a_second_time_nothing_changes_and_one_value_is_one_change():
    cluster = memory()
    deploy(cluster, FIRST)
    again = plan(cluster, FIRST)
    assert (again.added, again.changed, again.unchanged) == ((), (), 3)
    louder = {**SETTINGS, "data": {"LEVEL": "debug"}}
    (change,) = plan(cluster, replace(FIRST, objects=(WEB, louder, NAMESPACE))).changed
    assert (str(change.id), change.fields) == (
        "ConfigMap web-config",
        ("data.LEVEL: info -> debug",),
    )


def test_what_the_cluster_has_no_kind_for_is_left_out():
    made = plan(memory(), replace(FIRST, objects=(*FIRST.objects, MONITOR)))
    assert [str(found) for found in made.left_out] == ["ServiceMonitor web"]
    assert MONITOR not in made.objects


def test_only_what_tarmac_made_and_no_longer_renders_is_pruned():
    cluster = memory()
    deploy(cluster, FIRST)
    cluster.apply([an_object("ConfigMap", "of-another")])
    less = replace(FIRST, objects=(NAMESPACE,))
    made = plan(cluster, less)
    assert {str(found) for found in made.gone} == {"ConfigMap web-config", "Deployment web"}
    deploy(cluster, less).prune(made.gone)
    assert plan(cluster, less).gone == ()
    assert ObjectId("ConfigMap", "of-another", "shop", "v1") in cluster.kept


def test_what_scales_others_goes_before_they_get_their_own_number():
    cluster = memory()
    scaler = an_object("HorizontalPodAutoscaler", "web")
    scaled = replace(FIRST, objects=(*FIRST.objects, scaler))
    deploy(cluster, scaled)
    made = plan(cluster, FIRST)
    assert [str(found) for found in made.gone] == ["HorizontalPodAutoscaler web"]
    cluster.calls.clear()
    deployment = Deployment(cluster, FIRST, timeout_s=1, say=lambda _: None)
    assert deployment.apply(made, made.gone).ready
    gone = cluster.calls.index("delete HorizontalPodAutoscaler web")
    assert gone < cluster.calls.index("apply Deployment web")
    assert set(releases.read(cluster, FIRST).there) == set(releases.ids(FIRST.objects))


def test_what_another_has_taken_over_is_not_pruned():
    cluster = memory()
    deploy(cluster, FIRST)
    theirs = copy.deepcopy(SETTINGS)
    theirs["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm"
    cluster.apply([theirs])
    gone = plan(cluster, replace(FIRST, objects=(NAMESPACE, WEB))).gone
    assert gone == ()


def test_a_release_that_does_not_become_ready_is_reported_and_rolled_back():
    cluster = memory()
    deploy(cluster, FIRST)
    bad = an_object("Deployment", "worker", spec={"selector": {"matchLabels": {"a": "b"}}})
    second = replace(FIRST, objects=(*FIRST.objects, bad))
    cluster.failing.add("worker")
    made = plan(cluster, second)
    deployment = Deployment(cluster, second, timeout_s=1, say=lambda _: None)
    outcome = deployment.apply(made)
    assert [failure.what for failure in outcome.failures] == ["Deployment worker"]
    back = deployment.roll_back(made)
    assert back is not None
    assert back.ready
    assert ObjectId("Deployment", "worker", "shop", "apps/v1") not in cluster.kept
    assert plan(cluster, FIRST).changed == ()


def test_there_is_no_way_back_before_anything_was_ready():
    cluster = memory()
    cluster.failing.add("web")
    made = plan(cluster, FIRST)
    deployment = Deployment(cluster, FIRST, timeout_s=1, say=lambda _: None)
    assert not deployment.apply(made).ready
    assert deployment.roll_back(made) is None


def test_what_the_server_refuses_is_a_failure_and_only_the_namespace_is_there():
    cluster = memory()
    cluster.refused.add("web")
    made = plan(cluster, FIRST)
    outcome = Deployment(cluster, FIRST, timeout_s=1, say=lambda _: None).apply(made)
    assert [(f.what, f.detail) for f in outcome.failures] == [("settings", "it is not allowed")]
    assert [str(found) for found in cluster.kept] == ["Namespace shop"]


def test_what_the_server_would_refuse_is_known_before_anything_is_applied():
    cluster = memory()
    deploy(cluster, FIRST)
    cluster.calls.clear()
    cluster.refused.add("web")
    with pytest.raises(Refusal, match="it is not allowed"):
        plan(cluster, FIRST)
    assert cluster.calls == []


@dataclass(frozen=True)
class Trials(Memory):
    """Has a Rollout besides, of which each look finds the next status."""

    statuses: list[dict[str, Any]] = field(default_factory=list)

    def kinds(self) -> frozenset[tuple[str, str]]:
        return super().kinds() | {("argoproj.io/v1alpha1", "Rollout")}

    def live(self, objects: Any) -> list[dict[str, Any]]:
        found = super().live(objects)
        for one in found:
            if one["kind"] == "Rollout":
                one["status"] = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return found


@dataclass
class Clock:
    """Passes a second with each pause, and no time otherwise."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


ROLLOUT = {
    **an_object("Rollout", "web"),
    "apiVersion": "argoproj.io/v1alpha1",
    "spec": {
        "replicas": 1,
        "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "strategy": {"canary": {"steps": [{"setWeight": 10}, {"setWeight": 50}]}},
    },
}
DONE = {"phase": "Healthy", "stableRS": "b", "currentPodHash": "b"}
DONE |= {"updatedReplicas": 1, "availableReplicas": 1}


def tried(monkeypatch: pytest.MonkeyPatch, *statuses: dict[str, Any]) -> tuple[Any, list[str]]:
    """Deploy what has a Rollout that comes so far, each status ten seconds; the limit is 15."""
    monkeypatch.setattr(deployments, "time", Clock())
    looks = [copy.deepcopy(one) for one in statuses for _ in range(10)]
    cluster = Trials("kubectl", "it", Path("config"), statuses=looks)
    release = replace(FIRST, objects=(*FIRST.objects, ROLLOUT))
    said: list[str] = []
    made = Deployment(cluster, release, timeout_s=15, say=said.append)
    return made.apply(plan(cluster, release)), said


def steps(*phases: str) -> list[dict[str, Any]]:
    """Write the status of each step of a trial."""
    return [
        {"phase": phase, "stableRS": "a", "currentPodHash": "b", "currentStepIndex": at}
        for at, phase in zip(itertools.count(), phases, strict=False)
    ]


def test_a_trial_may_take_the_time_for_each_of_its_steps(monkeypatch):
    outcome, said = tried(monkeypatch, *steps("Progressing", "Paused"), DONE)
    assert outcome.ready
    assert outcome.took_s > 15
    assert [line for line in said if "tried" in line] == [
        "  Rollout web: a new version is tried: step 1 of 2, 10 % of the requests",
        "  Rollout web: a new version is tried: step 2 of 2, 50 % of the requests",
    ]


def test_a_trial_that_stays_at_a_step_is_late(monkeypatch):
    (step,) = steps("Progressing")
    outcome, _ = tried(monkeypatch, step)
    ((failure,),) = [outcome.failures]
    assert (failure.what, failure.detail) == (
        *("Rollout web", "a new version is tried: step 1 of 2, 10 % of the requests"),
    )


def test_a_version_that_is_taken_back_fails_at_once_with_the_reason(monkeypatch):
    back = {**steps("Degraded")[0], "message": "RolloutAborted: it failed"}
    outcome, _ = tried(monkeypatch, *steps("Progressing"), back)
    ((failure,),) = [outcome.failures]
    assert failure.detail == "its new version was taken back: RolloutAborted: it failed"
    assert outcome.took_s < 15


@dataclass(frozen=True)
class Canaries(Memory):
    """Has a Canary of a version that failed before; Flagger says so again before it tries anew."""

    looks: list[str] = field(default_factory=lambda: [*["Failed"] * 5, "Progressing"])

    def kinds(self) -> frozenset[tuple[str, str]]:
        return super().kinds() | {("flagger.app/v1beta1", "Canary")}

    def live(self, objects: Any) -> list[dict[str, Any]]:
        found = super().live(objects)
        for one in found:
            if one["kind"] == "Canary":
                one["status"] = {"phase": self.looks.pop(0) if self.looks else "Failed"}
        return found


def test_a_trial_that_failed_before_says_nothing_of_the_next_version(monkeypatch):
    monkeypatch.setattr(deployments, "time", Clock())
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    one = {**an_object("Canary", "web"), "spec": {"targetRef": target}}
    canary = {**one, "apiVersion": "flagger.app/v1beta1"}
    cluster = Canaries("kubectl", "it", Path("config"))
    release = replace(FIRST, objects=(*FIRST.objects, canary))
    cluster.apply(release.objects)
    changed = copy.deepcopy(release.objects)
    web = next(one for one in changed if one["kind"] == "Deployment")
    web["spec"]["template"] = {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}
    second = replace(release, objects=changed)
    said: list[str] = []
    made = Deployment(cluster, second, timeout_s=60, say=said.append)
    ((failure,),) = [made.apply(plan(cluster, second)).failures]
    assert "was taken back" in failure.detail
    assert [line for line in said if "tried" in line] == [
        "  Canary web: a new version is tried: 0 % of the requests"
    ]
