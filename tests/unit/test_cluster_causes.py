"""When a workload is ready, and what is said of one that is not."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.run.cluster.causes import causes, surroundings
from tarmac.run.cluster.readiness import readiness

LABELS = {"app.kubernetes.io/name": "web"}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "uid": "d1", "generation": 2},
    "spec": {"replicas": 2, "selector": {"matchLabels": LABELS}},
}


def deployed(**status: Any) -> dict[str, Any]:
    return {**DEPLOYMENT, "status": {"observedGeneration": 2, **status}}


def pod(status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    containers = [{"name": "web", "resources": {"limits": {"memory": "512Mi"}}}]
    return {
        "kind": "Pod",
        "metadata": {"name": "web-1", "uid": "p1", "labels": LABELS},
        "spec": {"containers": containers, **spec},
        "status": status,
    }


def container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "web", "image": "web:2", "restartCount": 3, **state}]}


def event(uid: str, reason: str, message: str) -> dict[str, Any]:
    about = {"kind": "Event", "involvedObject": {"uid": uid}, "type": "Warning"}
    return {**about, "reason": reason, "message": message, "lastTimestamp": "2026-11-23T13:00:00Z"}


def said(*objects: dict[str, Any]) -> list[str]:
    return [cause.text for cause in causes(DEPLOYMENT, surroundings(objects))]


@pytest.mark.parametrize(
    ("status", "ready", "detail"),
    [
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}, True, "2 of 2 ready"),
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}, False, "1 of 2 ready"),
        (
            {"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3},
            False,
            "2 of 2 ready, 1 of the version before",
        ),
        ({"observedGeneration": 1, "availableReplicas": 2}, False, "not looked at yet"),
        ({}, False, "0 of 2 ready"),
    ],
)
def test_a_deployment_is_ready_when_all_of_its_new_pods_are(status, ready, detail):
    found = readiness(deployed(**status))
    assert (found.ready, found.detail, found.failed) == (ready, detail, False)


def test_a_deployment_that_makes_no_progress_has_failed():
    stuck = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    assert readiness(deployed(conditions=[stuck])).failed


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        (
            {"replicas": 1, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "a"},
            True,
        ),
        (
            {"replicas": 1, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "b"},
            False,
        ),
        (
            {"replicas": 1, "readyReplicas": 0, "currentRevision": "a", "updateRevision": "a"},
            False,
        ),
    ],
)
def test_a_stateful_set_is_ready_when_its_pods_are_of_the_new_revision(status, ready):
    found = {**DEPLOYMENT, "kind": "StatefulSet", "spec": {"replicas": 1}}
    assert readiness({**found, "status": {"observedGeneration": 2, **status}}).ready is ready


def test_a_job_is_done_or_tries_or_has_failed():
    job = {"kind": "Job", "metadata": {"name": "set-up"}}
    done = {"conditions": [{"type": "Complete", "status": "True"}]}
    failed = {"conditions": [{"type": "Failed", "status": "True", "message": "too often"}]}
    assert readiness({**job, "status": done}).ready
    assert readiness({**job, "status": {"failed": 2}}).detail == "2 tries failed"
    assert readiness({**job, "status": failed}).failed


def test_an_image_that_cannot_be_had_is_named_with_the_registrys_words():
    waiting = {"reason": "ImagePullBackOff", "message": "web:2:\n not found"}
    (text,) = said(pod(container(state={"waiting": waiting})))
    assert text == "pod web-1, container web: image web:2 cannot be had: web:2: not found"


def test_a_container_over_its_memory_limit_is_reported_with_the_limit():
    killed = {"exitCode": 137, "reason": "OOMKilled"}
    (text,) = said(pod(container(state={"waiting": {}}, lastState={"terminated": killed})))
    assert "used more memory than its limit (512Mi)" in text
    assert text.endswith("restarted 3 times")


def test_of_a_container_that_ends_the_log_before_is_asked_for():
    ended = {"exitCode": 2, "reason": "Error"}
    around = surroundings([pod(container(state={"waiting": {}}, lastState={"terminated": ended}))])
    (cause,) = causes(DEPLOYMENT, around)
    assert "ended with exit status 2" in cause.text
    assert cause.log_of == ("web-1", "web", True)


def test_a_key_that_no_secret_has_is_reported_in_the_kubelets_words():
    waiting = {"reason": "CreateContainerConfigError", "message": "couldn't find key url"}
    (text,) = said(pod(container(state={"waiting": waiting})))
    assert text.endswith("cannot start: couldn't find key url")


def test_a_pod_without_a_node_says_why_and_which_disk_it_waits_for():
    message = "0/3 nodes: 3 Insufficient memory. preemption: 0/3 nodes: No victims."
    unscheduled = {"type": "PodScheduled", "status": "False", "message": message}
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-web-0", "uid": "c1"},
        "spec": {},
        "status": {"phase": "Pending"},
    }
    first, second = said(pod({"conditions": [unscheduled]}, volumes=[volume]), claim)
    assert first == "pod web-1 finds no node: 0/3 nodes: 3 Insufficient memory."
    assert second.startswith("disk data-web-0 is not there: the cluster has no default Storage")


def test_a_disk_that_waits_for_its_pods_node_is_no_cause():
    unscheduled = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-web-0", "uid": "c1"},
        "spec": {"storageClassName": "standard"},
        "status": {"phase": "Pending"},
    }
    spread = pod({"conditions": [unscheduled]}, volumes=[volume])
    assert len(said(spread, claim)) == 1
    warned = event("c1", "ProvisioningFailed", "no quota left")
    assert said(spread, claim, warned)[1] == "disk data-web-0 is not there: no quota left"


def test_a_pod_that_a_quota_or_policy_rejects_is_reported_for_its_owner():
    owner = {"uid": "d1"}
    maker = {"kind": "ReplicaSet", "metadata": {"uid": "r1", "ownerReferences": [owner]}}
    found = said(maker, event("r1", "FailedCreate", "exceeded quota: shop"))
    assert found == ["a pod is refused: exceeded quota: shop"]


def test_a_probe_that_fails_is_reported_where_nothing_else_is_wrong():
    running = pod(container(state={"running": {}}))
    assert said(running, event("p1", "Unhealthy", "Readiness probe failed: 503")) == [
        "pod web-1 does not pass its probe: Readiness probe failed: 503"
    ]


def test_ready_and_terminating_pods_have_no_causes():
    ready = pod({"conditions": [{"type": "Ready", "status": "True"}]})
    going = pod(container(state={"waiting": {"reason": "ErrImagePull"}}))
    going["metadata"]["deletionTimestamp"] = "2026-11-23T13:00:00Z"
    assert said(ready, going) == []


def test_a_secret_that_external_secrets_could_not_fill_is_said_with_its_reason():
    waits = container(
        state={
            "waiting": {
                "reason": "CreateContainerConfigError",
                "message": 'secret "web-secrets" not found',
            }
        }
    )
    about = {"uid": "e1", "kind": "ExternalSecret", "name": "web-secrets"}
    why = event("e1", "UpdateFailed", 'SecretStore "web" is not ready')
    other = {**why, "involvedObject": {**about, "name": "other-secrets"}, "message": "of another"}
    assert said(pod(waits), {**why, "involvedObject": about}, other) == [
        'pod web-1, container web cannot start: secret "web-secrets" not found',
        'Secret web-secrets is not filled: SecretStore "web" is not ready',
    ]
    mounted = event("p1", "FailedMount", 'MountVolume.SetUp failed: secret "web-secrets" not found')
    assert said(pod({}), mounted, {**why, "involvedObject": about})[-1] == (
        'Secret web-secrets is not filled: SecretStore "web" is not ready'
    )
