"""A running system in a cluster, by the protocol that verbs and drills use everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rendered import ROOT
from scripted_kubectl import pod, running, workload

from tarmac.base.errors import BadInput, TarmacError
from tarmac.run import cluster_system
from tarmac.run.cluster_system import ClusterSystem, public_urls
from tarmac.run.opening import CLUSTER, LOCAL, Place, opened
from tarmac.run.system import RunningSystem

FILE = ROOT / "systems/hello-dd/tarmac.yaml"
PLAN = running().plan
STORES = [one.name for one in PLAN.stores]


def everything() -> list[dict[str, Any]]:
    """Write every workload of the system with a pod, all of it ready."""
    kinds = dict.fromkeys(STORES, "StatefulSet")
    return [
        one
        for named in PLAN.workloads
        for one in (
            workload(named.name, kind=kinds.get(named.name, "Deployment")),
            pod(named.name, f"{named.name}-0"),
        )
    ]


def system(*objects: dict[str, Any], **told: Any) -> ClusterSystem:
    found: RunningSystem = ClusterSystem(FILE, running(*objects, **told))
    assert isinstance(found, ClusterSystem)
    return found


def test_a_system_whose_workloads_are_all_ready_is_healthy():
    status = system(*everything()).status()
    assert status.healthy
    assert status.as_data()["context"] == "lab"
    assert {one["name"] for one in status.as_data()["workloads"]} >= {"api-gateway", *STORES}


def test_one_workload_that_is_not_ready_makes_the_system_unhealthy():
    status = system(*everything()[2:]).status()
    assert not status.healthy
    assert not status.as_data()["workloads"][0]["ready"]


def test_a_drill_is_refused_while_a_workload_is_not_ready():
    with (
        pytest.raises(TarmacError, match=f"not ready: {PLAN.workloads[0].name} .*tarmac ps"),
        system(*everything()[2:]).target({"api-gateway": "http://gateway"}),
    ):
        pytest.fail("a drill began")


def test_a_drill_is_refused_where_visitors_are_sent_to_no_service():
    with (
        pytest.raises(BadInput, match="web: no service"),
        system(*everything()).target({"web:http": "http://gateway"}),
    ):
        pytest.fail("a drill began")


def test_a_target_sends_visitors_to_the_given_url_and_is_undone_at_the_end(monkeypatch):
    undone: list[str] = []

    class Undo:
        def __init__(self, program: Any, config: Any) -> None:
            self.program = program[0]

        def __enter__(self) -> None:
            return None

        def __exit__(self, *_: object) -> None:
            undone.append(self.program)

    monkeypatch.setattr(cluster_system, "undo_process", Undo)
    urls = {"api-gateway": "http://gateway"}
    with system(*everything()).target(urls) as target:
        assert (target.kind, target.urls()) == ("cluster", urls)
        assert target.find("api-gateway") == ("api-gateway",)
        assert undone == []
    assert undone == ["kubectl"]


def test_visitors_are_sent_to_public_hosts_by_default():
    urls = public_urls(running(system="shop"))
    assert urls
    assert all("://" in url for url in urls.values())


def test_a_restart_names_deployments_and_returns_the_state_afterwards():
    found = system(*everything())
    done = found.restart(["api-gateway"], within_s=0)
    assert (done.status.healthy, done.failed) == (True, {})
    assert ("rollout", "restart", "deployment/api-gateway", "--namespace=hello-dd") in (
        found.deployed.kubectl.calls
    )


def test_logs_are_lines_sorted_by_time_and_have_no_traces():
    told = {"logs": "[pod/b-1/b] 2026-11-26T10:00:02Z two\n[pod/a-1/a] 2026-11-26T10:00:01Z one\n"}
    found = system(*everything(), prints=told)
    lines = list(found.logs(["api-gateway"], last=10, follow=False).lines)
    assert [(line.name, line.text) for line in lines] == [("a-1", "one"), ("b-1", "two")]
    with pytest.raises(TarmacError, match="a trace has none"):
        found.logs([], last=10, follow=False, trace="abc")


def test_stores_are_shown_with_their_kinds():
    assert [line.partition(":")[0] for line in system().stores()] == STORES


def test_the_way_into_a_store_is_closed_at_the_end(monkeypatch):
    opened_ways: list[str] = []

    class Way:
        def __init__(self, deployed: Any, store: str, user: str = "") -> None:
            self.url = f"redis://{user}:secret@127.0.0.1:1/0"

        def __enter__(self) -> str:
            opened_ways.append(self.url)
            return self.url

        def __exit__(self, *_: object) -> None:
            opened_ways.clear()

    monkeypatch.setattr(cluster_system, "store_url", Way)
    with system().connect(STORES[0], "api-gateway") as way:
        assert way.is_forwarded
        assert way.url in opened_ways
    assert opened_ways == []


@pytest.mark.parametrize("option", ["context", "environment"])
def test_options_of_a_cluster_are_refused_for_a_system_here(option):
    place = Place(LOCAL, **{option: "x"})
    with (
        pytest.raises(BadInput, match="needs --target cluster or compose"),
        opened(place, Path("tarmac.yaml")),
    ):
        pytest.fail("it was opened")


def test_an_option_of_one_kind_of_place_is_refused_at_the_other():
    Place(CLUSTER).only((CLUSTER,), "--for", "is of a cluster")
    with pytest.raises(BadInput, match="--for: is of a cluster"):
        Place(LOCAL).only((CLUSTER,), "--for", "is of a cluster")
