"""Services that a controller tries new versions of, as the verbs of a cluster read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rendered import plan_of
from scripted_kubectl import NAME, ScriptedKubectl, pod, workload

from tarmac.model.environment import Rollout
from tarmac.run.cluster import trials
from tarmac.run.cluster.readiness import readiness
from tarmac.run.cluster.running import DeployedSystem

SERVICE = "pricing-service"
STEPS = [{"setWeight": 25}, {"analysis": {}}, {"setWeight": 50}, {"analysis": {}}]
HEALTHY = {
    "phase": "Healthy",
    "observedGeneration": "2",
    "workloadObservedGeneration": "5",
    "stableRS": "a",
    "currentPodHash": "a",
    "updatedReplicas": 2,
    "availableReplicas": 2,
}


def rollout(**status: Any) -> dict[str, Any]:
    """Write a Rollout of two pods as a cluster has it; its template is the Deployment's."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": SERVICE}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": SERVICE, "namespace": "hello-dd", "uid": "r", "generation": 2},
        "spec": {
            "replicas": 2,
            "workloadRef": reference,
            "strategy": {"canary": {"steps": STEPS}},
        },
        "status": {**HEALTHY, **status},
    }


def template(generation: int = 5) -> dict[str, Any]:
    """Write the Deployment, which has no pods of its own any more."""
    made = workload(SERVICE, ready=0, replicas=0)
    made["metadata"]["generation"] = generation
    made["spec"]["template"] = {"spec": {}}
    return made


def tried(by: str, *objects: dict[str, Any], kinds: bool = True) -> DeployedSystem:
    """Give hello-dd in a cluster where `by` tries pricing-service."""
    plan = plan_of("hello-dd", "kind")
    settings = plan.settings.model_copy(update={"rollout": Rollout(by=by, services=(SERVICE,))})
    found = list(objects) if kinds else [one for one in objects if one["kind"] != "Rollout"]
    kubectl = ScriptedKubectl("kubectl", "lab", Path("config"), found)
    return DeployedSystem(kubectl, replace(plan, settings=settings))


@pytest.mark.parametrize(
    ("status", "generation", "ready", "detail"),
    [
        ({}, 5, True, "2 of 2 ready"),
        ({"availableReplicas": 1}, 5, False, "1 of 2 ready"),
        ({}, 6, False, "not looked at yet"),  # the template is newer than what it has read
        ({"observedGeneration": "1"}, 5, False, "not looked at yet"),
        (
            {"currentPodHash": "b", "currentStepIndex": 1, "phase": "Progressing"},
            *(5, False, "a new version is tried: step 2 of 4, 25 % of the requests"),
        ),
        (
            {"currentPodHash": "b", "currentStepIndex": 2, "phase": "Paused"},
            *(5, False, "a new version is tried: step 3 of 4, 50 % of the requests"),
        ),
        (
            {"currentPodHash": "b", "phase": "Degraded", "message": "RolloutAborted: why"},
            *(5, False, "its new version was taken back: RolloutAborted: why"),
        ),
    ],
)
def test_a_rollout_is_ready_once_its_newest_version_has_all_requests(
    status, generation, ready, detail
):
    read = readiness(trials.with_template(rollout(**status), [template(generation)]))
    assert (read.ready, read.detail) == (ready, detail)
    assert read.failed is (status.get("phase") == "Degraded")


def canary(phase: str, **status: Any) -> dict[str, Any]:
    """Write a Canary of Flagger's as a cluster has it."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": SERVICE}
    said = {"phase": phase, "lastTransitionTime": "2026-01-01T00:00:00Z", **status}
    return {
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": {"name": SERVICE, "namespace": "hello-dd"},
        "spec": {"targetRef": reference},
        "status": said if phase else {},
    }


def versions(asked: str, promoted: str) -> list[dict[str, Any]]:
    """Write a Deployment and Flagger's copy of it, each of a version."""
    whole, copy = template(), workload(f"{SERVICE}-primary")
    for one, version, end in ((whole, asked, ""), (copy, promoted, "-primary")):
        notes = {"flagger-id": "x"} if end else {}
        read = [{"configMapRef": {"name": f"{SERVICE}-config{end}"}}]
        containers = [{"name": SERVICE, "image": f"pricing:{version}", "envFrom": read}]
        spec = {"containers": containers, "affinity": {"of": end}}
        one["spec"]["template"] = {"metadata": {"annotations": notes}, "spec": spec}
    return [whole, copy]


FAILED = {"conditions": [{"type": "Promoted", "message": "Canary analysis failed"}]}


@pytest.mark.parametrize(
    ("found", "asked", "stale", "detail"),
    [
        (canary("Succeeded"), "1", False, "its version has all requests"),
        (canary("Initialized"), "1", True, "its version has all requests"),
        (canary("Failed", **FAILED), "1", False, "its version has all requests"),
        (canary(""), "1", False, "not looked at yet"),
        (canary("Succeeded"), "2", False, "not looked at yet"),
        (canary("Initializing"), "1", False, "a new version is tried: initializing"),
        (
            canary("Progressing", canaryWeight=20),
            *("2", False, "a new version is tried: 20 % of the requests"),
        ),
        (
            canary("Failed", **FAILED),
            *("2", False, "its new version was taken back: Canary analysis failed"),
        ),
        (canary("Failed", **FAILED), "2", True, "not looked at yet"),
    ],
)
def test_a_canary_is_ready_once_the_version_that_is_asked_for_has_all_requests(
    found, asked, stale, detail
):
    read = readiness(trials.with_template(found, versions(asked, "1")), stale=stale)
    assert read.detail == detail
    assert read.ready is detail.startswith("its version")
    assert read.failed is ("taken back" in detail)


def test_its_pods_are_listed_as_the_services():
    system = tried("argo", rollout(), template(), pod(SERVICE, f"{SERVICE}-a-b"))
    (state,) = (one for one in system.look() if one.name == SERVICE)
    assert (state.readiness.ready, [one.name for one in state.pods]) == (True, [f"{SERVICE}-a-b"])
    assert system.replicas(SERVICE) == 2
    system.scale(SERVICE, 3)
    where = "--namespace=hello-dd"
    assert system.kubectl.calls[-1] == (
        *("scale", f"rollouts.argoproj.io/{SERVICE}", "--replicas=3", where),
    )


def test_a_restart_makes_no_new_version_of_it():
    system = tried("argo", rollout(), template(), workload("api-gateway"))
    system.restart([SERVICE, "api-gateway"], within_s=0)
    calls = [call for call in system.kubectl.calls if call[0] in ("rollout", "patch")]
    assert calls[0] == ("rollout", "restart", "deployment/api-gateway", "--namespace=hello-dd")
    (patch,) = calls[1:]
    assert patch[:3] == ("patch", f"rollouts.argoproj.io/{SERVICE}", "--type=merge")
    assert "restartAt" in patch[3]


def test_without_the_kind_the_deployment_keeps_its_pods():
    system = tried("argo", rollout(), workload(SERVICE), kinds=False)
    (state,) = (one for one in system.look() if one.name == SERVICE)
    assert state.readiness.ready
    assert system.scaling(SERVICE, 2)[1] == f"deployment/{SERVICE}"


def test_under_flagger_the_pods_are_those_of_its_copy():
    copy = workload(f"{SERVICE}-primary")
    copy["spec"]["selector"] = {"matchLabels": {NAME: SERVICE}}
    system = tried("flagger", copy, template(), pod(SERVICE, f"{SERVICE}-primary-a-b"))
    (state,) = (one for one in system.look() if one.name == SERVICE)
    assert state.readiness.ready
    assert [one.name for one in state.pods] == [f"{SERVICE}-primary-a-b"]
    assert system.scaling(SERVICE, 2)[1] == f"deployment/{SERVICE}-primary"


def test_a_service_stays_at_the_version_to_which_its_controller_leads_it():
    def service(**selector: str) -> dict[str, Any]:
        metadata = {"name": f"{SERVICE}-stable", "namespace": "hello-dd"}
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": selector},
        }

    rendered, there = service(app=SERVICE), service(app=SERVICE, **{trials.REVISION: "a"})
    plain = {**service(app="x"), "metadata": {"name": "x", "namespace": "hello-dd"}}
    assert trials.with_revisions([rendered, plain], [there]) == [there, plain]
    assert trials.with_revisions([rendered], [rendered]) == [rendered]
    assert trials.with_revisions([rendered], []) == [rendered]
