"""What `verify --target cluster` reads of a cluster, beside the objects that are rendered."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import json
from typing import Any

import authority
import pytest
from cryptography.hazmat.primitives import serialization
from rendered import artifacts_of, plan_of, system_of
from scripted_kubectl import NAME, pod, running

from tarmac.base import registry
from tarmac.base.artifact import Artifact
from tarmac.base.report import Status
from tarmac.check import gates
from tarmac.check.gates.live import LiveSystem
from tarmac.check.gates.subject import Subject
from tarmac.check.verify import live
from tarmac.check.verify.running import Suppressions, run

TREE = artifacts_of("hello-dd", "kind")
OBSERVING = [gate for gate in registry.load(gates, "GATE").values() if gate.observes]
GATEWAY = ("Deployment", "api-gateway")
COUNTS = ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")


def deployed() -> dict[tuple[str, str], Any]:
    """Give all that is rendered as a cluster has it, by kind and name; workloads are ready."""
    found = {}
    for one in TREE:
        if one.is_object and one.path.startswith("k8s/"):
            there = json.loads(json.dumps(one.data))
            there["metadata"]["uid"] = f"uid-of-{one.path}"
            if there["kind"] in ("Deployment", "StatefulSet"):
                there["status"] = dict.fromkeys(COUNTS, there["spec"].get("replicas", 1))
            if there["kind"] == "Job":
                there["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
            found[there["kind"], there["metadata"]["name"]] = there
    return found


def seen(there: dict[Any, Any], *more: Any, tree: Any = TREE, **told: Any) -> LiveSystem:
    """Read what is there."""
    kubectl = running(*there.values(), *more, **told).kubectl
    return live.read(kubectl, plan_of("hello-dd", "kind"), tree)


def statuses(found: LiveSystem) -> dict[str, Status]:
    """Say what gates make of it."""
    subject = Subject(
        system_of("hello-dd"),
        plan_of("hello-dd", "kind"),
        TREE,
        dt.date(2026, 11, 25),
        inputs=(found,),
    )
    results = run(subject, OBSERVING, Suppressions())
    return {result.what.removeprefix("gate:"): result.status for result in results}


def gateway_pod(image: str | None = None, **status: Any) -> Any:
    """Write a pod of the gateway, of the rendered image without another."""
    found = pod("api-gateway", "api-gateway-a", **status)
    template = deployed()[GATEWAY]["spec"]["template"]
    found["metadata"]["labels"] = template["metadata"]["labels"]
    found["spec"]["containers"] = copy.deepcopy(template["spec"]["containers"])
    if image:
        found["spec"]["containers"][0]["image"] = image
    return found


def test_what_is_as_rendered_passes_and_what_has_nothing_to_judge_does_not_apply():
    there = deployed()
    found = seen(there, gateway_pod())
    assert (found.missing, found.changed, found.extra, found.left_out) == ((), (), (), ())
    assert found.compared == len(there)
    assert all(workload.ready for workload in found.workloads), found.workloads
    assert len(found.workloads) == sum(
        kind in ("Deployment", "StatefulSet", "Job") for kind, _ in there
    )
    assert statuses(found) == {
        "RUN001": Status.PASS,
        "RUN002": Status.PASS,
        "RUN003": Status.PASS,
        "RUN004": Status.NOT_APPLICABLE,
    }


def test_drift_is_reported_by_field_at_the_rendered_file():
    there = deployed()
    there[GATEWAY]["spec"]["replicas"] = 5
    del there["NetworkPolicy", "cache"]
    found = seen(there)
    (changed,), (missing,) = found.changed, found.missing
    assert changed.title == "Deployment api-gateway"
    assert changed.fields == ("spec.replicas: 5 -> 1",)
    files = {one.path for one in TREE}
    assert {changed.where, missing.where} < files
    assert missing.title == "NetworkPolicy cache"
    assert statuses(found)["RUN001"] is Status.FAIL


def test_where_nothing_is_deployed_pods_and_images_are_nothing_to_judge():
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    known = {("v1", "ConfigMap"), ("apps/v1", "Deployment")}
    kubectl = running(namespace).kubectl
    kubectl.objects.extend(
        {"apiVersion": api, "kind": kind, "metadata": {"name": "x"}} for api, kind in known
    )
    found = live.read(kubectl, plan_of("hello-dd", "kind"), TREE)
    assert len(found.missing) == found.compared > 0
    assert {kind for kind, _ in found.left_out} >= {"StatefulSet (apps/v1)"}
    told = statuses(found)
    assert told["RUN001"] is Status.FAIL
    assert {told[gate] for gate in ("RUN002", "RUN003", "RUN004")} == {Status.NOT_APPLICABLE}


def test_a_workload_that_is_not_ready_is_reported_with_its_cause_and_restarts():
    there = deployed()
    there[GATEWAY]["status"] = {**there[GATEWAY]["status"], "availableReplicas": 0}
    waits = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
    ended = {"terminated": {"reason": "Error", "exitCode": 3}}
    status = {"name": "api-gateway", "image": "x", "state": waits, "lastState": ended}
    found = seen(
        there, gateway_pod(conditions=[], containerStatuses=[{**status, "restartCount": 2}])
    )
    (late,) = [workload for workload in found.workloads if not workload.ready]
    assert (late.title, late.detail) == ("Deployment api-gateway", "0 of 1 ready")
    assert "image x cannot be had: not found" in late.causes[0]
    of = "container api-gateway of pod api-gateway-a"
    assert late.restarts == (f"{of} was started again 2 times (Error, exit status 3)",)
    assert statuses(found)["RUN002"] is Status.FAIL


def test_containers_are_reported_with_the_rendered_image_theirs_and_what_a_node_made_of_it():
    image = plan_of("hello-dd", "kind").workload("api-gateway").image
    has = {"name": "api-gateway", "imageID": "docker.io/x@sha256:1", "restartCount": 0}
    old = gateway_pod("api-gateway:old", containerStatuses=[has])
    old["spec"]["containers"].append({"name": "istio-proxy", "image": "istio"})  # not rendered
    found = seen(deployed(), old)
    (container,) = found.containers
    assert (container.rendered, container.image, container.digest) == (
        *(image, "api-gateway:old", "sha256:1"),
    )
    assert statuses(found)["RUN003"] is Status.FAIL


@pytest.fixture
def encrypted() -> tuple[Artifact, ...]:
    """Give the tree with an Ingress that reads a certificate."""
    hosts = "hello-dd.localhost", "www.hello-dd.localhost"
    tls = [{"secretName": "hello-tls", "hosts": [host]} for host in hosts]
    return tuple(
        Artifact(
            one.path, {**one.data, "spec": {**one.data["spec"], "tls": tls}}, format=one.format
        )
        if one.is_object and one.data["kind"] == "Ingress"
        else one
        for one in TREE
    )


def test_the_certificate_of_a_secret_is_read_and_never_its_key(encrypted):
    signing, root = authority.new_authority()
    _, signed = authority.of_hosts(["hello-dd.localhost"], signing, root.subject)
    pem = signed.public_bytes(serialization.Encoding.PEM)
    there = deployed()
    system = running(*there.values(), prints={"get": base64.b64encode(pem).decode()})
    found = live.read(system.kubectl, system.plan, encrypted)
    (certificate,) = found.certificates
    assert certificate.hosts == {"hello-dd.localhost", "www.hello-dd.localhost"}
    assert certificate.secret == "hello-tls"
    assert certificate.names == {"hello-dd.localhost"}
    assert certificate.ends == signed.not_valid_after_utc.date()
    (asked,) = {call for call in system.kubectl.calls if call[:2] == ("get", "secret")}
    assert asked[2:] == (
        *("hello-tls", "--namespace=hello-dd", "--ignore-not-found"),
        r"--output=jsonpath={.data.tls\.crt}",
    )


def test_a_secret_that_is_not_there_or_holds_none_has_no_certificate(encrypted):
    for said in ("", base64.b64encode(b"no certificate").decode()):
        found = seen(deployed(), tree=encrypted, prints={"get": said})
        assert {one.ends for one in found.certificates} == {None}
        assert statuses(found)["RUN004"] is Status.FAIL


@pytest.mark.parametrize(
    ("days", "status", "warned"),
    [(-1, Status.FAIL, False), (6, Status.FAIL, False), (7, Status.PASS, True)],
)
def test_fewer_than_seven_days_are_an_error_and_more_a_warning(encrypted, days, status, warned):
    today = dt.date(2026, 11, 25)
    (named, *_) = seen(deployed(), tree=encrypted).certificates
    ends = today + dt.timedelta(days=days)
    known = live.replace(named, ends=ends, names=named.hosts)
    subject = Subject(
        *(system_of("hello-dd"), plan_of("hello-dd", "kind"), TREE, today),
        inputs=(LiveSystem("lab", "hello-dd", certificates=(known,)),),
    )
    (result,) = [
        one for one in run(subject, OBSERVING, Suppressions()) if one.what == "gate:RUN004"
    ]
    assert (result.status, result.findings[0].warning) == (status, warned)
    assert result.reached == "observed@cluster"


def test_a_secret_that_may_not_be_read_leaves_the_certificate_unknown(encrypted):
    (named, *_) = seen(deployed(), tree=encrypted).certificates
    hidden = live.replace(named, unread="secrets is forbidden")
    found = LiveSystem("lab", "hello-dd", certificates=(hidden,))
    assert statuses(found)["RUN004"] is Status.SKIPPED


def test_what_could_not_be_looked_at_is_skipped_by_every_gate():
    assert set(statuses(LiveSystem(unseen="no kubectl")).values()) == {Status.SKIPPED}


def test_labels_of_the_fake_are_those_of_the_tree():
    assert gateway_pod()["metadata"]["labels"][NAME] == "api-gateway"
