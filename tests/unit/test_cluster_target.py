"""What faults ask of a system in a cluster, and which calls of kubectl come of it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from scripted_kubectl import node, pod, running, workload

from tarmac.base.errors import BadInput, TarmacError
from tarmac.catalog.faults.drain import FAULT as DRAIN
from tarmac.catalog.faults.kill import FAULT as KILL
from tarmac.catalog.faults.outage import FAULT as OUTAGE
from tarmac.run.cluster import cluster_target
from tarmac.run.cluster.cluster_target import ClusterTarget
from tarmac.run.cluster_system import public_urls
from tarmac.run.undoing import UndoProcess


class Undone(UndoProcess):
    """Writes down what is to be undone."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.steps: list[tuple[str, ...]] = []

    def add(self, key: str, *argv: str) -> None:
        self.steps.append(("add", key, *argv))

    def run(self, key: str) -> None:
        self.steps.append(("run", key))


GATEWAY = (
    workload("api-gateway", replicas=2, ready=2),
    pod("api-gateway", "g-1", node="node1"),
    pod("api-gateway", "g-2", node="node2", made="2026-11-23T11:00:00Z"),
)
CACHE = (workload("cache", kind="StatefulSet"), pod("cache", "cache-0", node="node2"))
NODES = (node("node1", "kind-a"), node("node2", "kind-b"))
WHERE = "--namespace=hello-dd"


def target(*objects: dict[str, Any], **told: Any) -> ClusterTarget:
    return ClusterTarget(running(*objects, **told), Undone(), {"api-gateway": "http://gateway"})


def calls(on: ClusterTarget) -> list[tuple[str, ...]]:
    """List the calls that change something."""
    return [call for call in on.running.kubectl.calls if call[0] != "get"]


def test_pods_are_named_after_their_workload_by_age():
    found = target(*GATEWAY, *CACHE).instances()
    assert [(one.name, one.pid) for one in found] == [
        ("cache", "uid-of-cache-0"),
        ("api-gateway", "uid-of-g-1"),
        ("api-gateway.2", "uid-of-g-2"),
    ]
    assert all(one.serves for one in found)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("api-gateway", ("api-gateway", "api-gateway.2")),
        ("node2", ("cache", "api-gateway.2")),
        ("kind-a", ("api-gateway",)),
    ],
)
def test_instances_are_found_by_workload_node_and_zone(name, found):
    assert target(*GATEWAY, *CACHE, *NODES).find(name) == found


def test_an_unknown_target_is_reported_with_the_nearest_name():
    with pytest.raises(BadInput, match=r"node3: no service, store, node or zone .* 'node2'"):
        target(*CACHE, *NODES).find("node3")


def test_a_kill_gives_a_pod_one_second_and_is_proven_by_its_uid():
    on = target(*CACHE)
    with KILL.inject(on, KILL.step(fault="kill", on="cache")) as witness:
        flags = ("--wait=false", "--ignore-not-found", WHERE, "--grace-period=1")
        assert calls(on) == [("delete", "pod", "cache-0", *flags)]
        on.running.kubectl.objects[-1]["metadata"]["uid"] = "another"
        assert witness() == (True, "SIGKILL ended cache (pod uid-of-cache-0)")


def test_a_pod_that_is_asked_to_end_has_the_time_of_its_own_object():
    on = target(*CACHE)
    on.send(["cache"], "SIGTERM")
    assert not any("grace" in part for part in calls(on)[0])


def test_an_outage_scales_to_none_waits_and_scales_back_to_what_it_was():
    on = target(*GATEWAY, after={"delete": lambda objects: objects.__delitem__(slice(1, None))})
    with OUTAGE.inject(on, OUTAGE.step(fault="outage", on="api-gateway")) as witness:
        assert calls(on)[0] == ("scale", "deployment/api-gateway", "--replicas=0", WHERE)
        assert calls(on)[1][:4] == ("delete", "pod", "g-1", "g-2")
        assert witness() == (True, "no process ran of api-gateway, api-gateway.2")
        on.running.kubectl.objects.append(GATEWAY[1])
        assert witness() == (False, "runs all the same: api-gateway")
    back = ("scale", "deployment/api-gateway", "--replicas=2", WHERE)
    assert on.undo.steps == [("add", "down api-gateway", *back), ("run", "down api-gateway")]


def test_a_pod_that_does_not_end_is_reported(monkeypatch):
    monkeypatch.setattr(cluster_target, "ENDED_WITHIN_S", 0.0)
    on = target(*CACHE)
    with pytest.raises(TarmacError, match="not ended within 0 s: cache-0"):
        on.hold_down(["cache"])


def test_a_part_of_a_workload_cannot_be_held_down():
    with pytest.raises(BadInput, match="api-gateway: has 2 pods; name the workload"):
        target(*GATEWAY).hold_down(["api-gateway.2"])


def test_a_drained_node_takes_pods_again_however_it_ends():
    on = target(*CACHE, *NODES, refused={"drain"})
    with (
        pytest.raises(Exception, match="drain is not allowed"),
        DRAIN.inject(on, DRAIN.step(fault="drain", on="node2")),
    ):
        pass
    assert on.undo.steps[0] == ("add", "cordoned node2", "uncordon", "node2")


def test_a_drain_is_proven_by_the_pods_that_left_the_node():
    on = target(*CACHE, *NODES)
    with DRAIN.inject(on, DRAIN.step(fault="drain", on="node2")) as witness:
        assert calls(on)[0][:2] == ("drain", "node2")
        assert "--pod-selector=app.kubernetes.io/part-of=hello-dd" in calls(on)[0]
        assert witness() == (False, "runs there all the same: cache")
        on.running.kubectl.objects[1]["spec"]["nodeName"] = "node1"
        assert witness() == (True, "cache had to leave node2")
    assert on.undo.steps[-1] == ("run", "cordoned node2")


def test_the_public_hosts_are_those_of_the_entry_too():
    urls = public_urls(running(system="starter"))
    assert urls["entry"] == urls["entry:api"] == "http://api.starter.localhost"
    assert public_urls(running(system="travel"))["entry:api"] == "http://api.travel.localhost"
