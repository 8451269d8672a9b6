"""What `--export litmus` writes, carried out by LitmusChaos: pods end, and its verdict is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cluster_chaos
import pytest
import yaml
from cluster_chaos import NAMESPACE
from deployed import DeployedSystem
from shop_trouble import end

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

WHERE = f"--namespace={NAMESPACE}"
GATEWAY, KILLED = "api-gateway", "order-service"
DRILL = "orders-pod-kill"


@pytest.fixture(scope="module")
def tried(shop: DeployedSystem, docker, tmp_path_factory) -> DeployedSystem:
    """Install LitmusChaos beside a shop that is well."""
    programs = cluster_chaos.home()
    if programs is None:
        pytest.skip(cluster_chaos.GET)
    cluster_chaos.begin(shop.cluster, docker, programs, tmp_path_factory.mktemp("litmus"))
    end(shop)
    return shop


def test_the_operator_runs_and_has_experiments_for_pods_and_networks(tried):
    listed = tried.cluster.read("chaosexperiments", WHERE)["items"]
    assert {one["metadata"]["name"] for one in listed} >= {
        *("pod-delete", "container-kill", "pod-cpu-hog", "pod-memory-hog"),
        *("pod-network-latency", "pod-network-loss", "pod-http-status-code"),
    }


def test_pods_end_and_come_back_while_the_gateway_answers_and_the_verdict_is_pass(tried):
    before = names(tried)
    with applied(tried, DRILL) as engine:
        result = ended(tried, engine)
    assert result["experimentStatus"]["verdict"] == "Pass"
    assert result["experimentStatus"]["probeSuccessPercentage"] == "100"
    (probe,) = result["probeStatuses"]
    assert (probe["name"], probe["status"]["verdict"]) == (
        f"check-{GATEWAY}-availability",
        "Passed",
    )
    tried.until(lambda: tried.ready(KILLED) == len(before))
    assert not names(tried) & before


def test_another_answer_of_the_gateway_makes_the_verdict_fail(tried):
    file = tried.file.parent / f"drills/{DRILL}.yaml"
    text = file.read_text()
    assert text.count("path: /health") == 1
    file.write_text(text.replace("path: /health", "path: /nowhere"))
    try:
        with applied(tried, DRILL) as engine:
            result = ended(tried, engine)
    finally:
        file.write_text(text)
    assert result["experimentStatus"]["verdict"] == "Fail"
    assert result["experimentStatus"]["probeSuccessPercentage"] == "0"


def test_a_gateway_that_is_away_is_an_error_and_no_pass(tried):
    tried.k("scale", f"deployment/{GATEWAY}", "--replicas=0")
    try:
        tried.until(lambda: not tried.ready(GATEWAY))
        with applied(tried, DRILL) as engine:
            result = ended(tried, engine)
    finally:
        tried.k("scale", f"deployment/{GATEWAY}", "--replicas=1")
    assert result["experimentStatus"]["verdict"] == "Error"
    tried.until(lambda: tried.ready(GATEWAY) == 1)


@contextmanager
def applied(system: DeployedSystem, drill: str) -> Iterator[str]:
    """Apply what is exported of a drill for as long as the block runs; gives its engine's name."""
    exported = system.tarmac("drill", drill, "--export", "litmus", "--env", "kind").stdout
    (engine,) = (
        one["metadata"]["name"]
        for one in yaml.safe_load_all(exported)
        if one and one["kind"] == "ChaosEngine"
    )
    system.cluster.kubectl("apply", "--filename=-", given=exported)
    try:
        yield engine
    finally:
        system.cluster.kubectl("delete", "--filename=-", given=exported)
        system.cluster.kubectl("delete", "chaosresults", "--all", WHERE)


def ended(system: DeployedSystem, engine: str) -> dict[str, Any]:
    """Wait until an engine's experiment has ended; gives what came of it."""

    def result() -> dict[str, Any]:
        found = system.cluster.read("chaosresults", WHERE)["items"]
        (own,) = [one for one in found if one["metadata"]["name"].startswith(engine)] or [{}]
        status: dict[str, Any] = own.get("status", {})
        return status

    def has_ended() -> bool:
        said = system.cluster.read("chaosengine", engine, WHERE).get("status", {})
        return bool(said.get("engineStatus") in ("completed", "stopped"))

    try:
        system.until(has_ended, within_s=240)
    except AssertionError as error:
        seen = system.cluster.kubectl("get", "pods,events", WHERE, "--output=wide", check=False)
        raise AssertionError(f"{seen}\n{error}") from error
    return result()


def names(system: DeployedSystem) -> set[str]:
    """Name the pods of the service whose pods end."""
    return {pod["metadata"]["name"] for pod in system.pods(KILLED)}
