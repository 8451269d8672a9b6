"""A system as a cluster runs it: what is read of workloads and pods, and what kubectl is asked."""

from __future__ import annotations

import pytest
from scripted_kubectl import MADE, pod, running, workload

from tarmac.base.errors import BadInput, TarmacError

WAITS = {
    "phase": "Pending",
    "conditions": [],
    "containerStatuses": [
        {
            "name": "api-gateway",
            "image": "hello-dd/api-gateway:9",
            "restartCount": 2,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}},
        }
    ],
}


def test_each_workload_of_the_plan_is_reported_with_its_pods_and_causes():
    system = running(
        workload("api-gateway", ready=0, replicas=2),
        pod("api-gateway", "api-gateway-b", made="2026-11-23T11:00:00Z", **WAITS),
        pod("api-gateway", "api-gateway-a", node="node2"),
        workload("cache", kind="StatefulSet"),
        pod("cache", "cache-0"),
        pod("api-gateway-migration", "api-gateway-migration-x"),
    )
    states = {state.name: state for state in system.look()}
    assert set(states) == {workload.name for workload in system.plan.workloads}
    first, second = states["api-gateway"].pods
    assert (first.name, first.state, first.node, first.since) == (
        *("api-gateway-a", "ready", "node2", MADE),
    )
    assert (second.state, second.ready, second.restarts) == ("ImagePullBackOff", False, 2)
    (cause,) = states["api-gateway"].causes
    assert "image hello-dd/api-gateway:9 cannot be had: not found" in cause.text
    assert states["cache"].readiness.ready
    assert states["pricing-service"].readiness.detail.startswith("missing; ")


def test_a_pod_that_is_about_to_go_is_ending_and_not_ready():
    going = pod("cache", "cache-0")
    going["metadata"]["deletionTimestamp"] = MADE
    system = running(workload("cache", kind="StatefulSet"), going)
    (found,) = next(state for state in system.look() if state.name == "cache").pods
    assert (found.state, found.ready) == ("ending", False)


def test_a_restart_without_names_replaces_services_and_no_store():
    services = ("api-gateway", "inventory-service", "pricing-service")
    system = running(*map(workload, services))
    states = system.restart([], within_s=5)
    assert system.kubectl.calls[0] == (
        *("rollout", "restart"),
        *(f"deployment/{name}" for name in services),
        "--namespace=hello-dd",
    )
    assert all(state.readiness.ready for state in states if state.role == "service")


def test_a_store_is_restarted_if_it_is_named():
    system = running(workload("cache", kind="StatefulSet"))
    system.restart(["cache"], within_s=5)
    assert system.kubectl.calls[0][2] == "statefulset/cache"


def test_names_that_are_not_of_the_system_are_refused_all_at_once():
    with pytest.raises(BadInput) as refused:
        running().workloads(["cash", "cache", "nothing"])
    first, second = str(refused.value).splitlines()
    assert first == "cash: not in hello-dd for kind; did you mean 'cache'?"
    assert second.startswith("nothing: not in hello-dd for kind; choose one of: ")


def test_lines_of_several_pods_are_sorted_by_time():
    said = "[pod/b/api-gateway] 2026-11-23T10:00:02Z two\n[pod/a/cache] 2026-11-23T10:00:01Z one x"
    system = running(prints={"logs": said})
    assert list(system.logs(["api-gateway", "cache"], last=5, follow=False)) == [
        ("2026-11-23T10:00:01Z", "a", "one x"),
        ("2026-11-23T10:00:02Z", "b", "two"),
    ]
    chosen = "--selector=app.kubernetes.io/name in (api-gateway, cache)"
    assert {chosen, "--tail=5", "--namespace=hello-dd"} <= set(system.kubectl.calls[0])


def test_what_kubectl_prints_instead_of_logs_is_reported():
    system = running(prints={"logs": "something else"})
    with pytest.raises(TarmacError, match="cannot read 'something else'"):
        list(system.logs([], last=5, follow=False))
