"""What `--export litmus` writes, carried out by LitmusChaos: pods end, and its verdict is right."""

from __future__ import annotations

import cluster_chaos
import pytest
from cluster_chaos import NAMESPACE
from deployed import DeployedSystem
from shop_trouble import end

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

WHERE = f"--namespace={NAMESPACE}"
GATEWAY, KILLED = "api-gateway", "order-service"
DRILL = "orders-pod-kill"


@pytest.fixture(scope="module")
def tried(litmus: None, shop: DeployedSystem) -> DeployedSystem:
    """Give LitmusChaos beside a shop that is well."""
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
    result = cluster_chaos.carried_out(tried, DRILL)
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
        result = cluster_chaos.carried_out(tried, DRILL)
    finally:
        file.write_text(text)
    assert result["experimentStatus"]["verdict"] == "Fail"
    assert result["experimentStatus"]["probeSuccessPercentage"] == "0"


def test_a_gateway_that_is_away_is_an_error_and_no_pass(tried):
    tried.k("scale", f"deployment/{GATEWAY}", "--replicas=0")
    try:
        tried.until(lambda: not tried.ready(GATEWAY))
        result = cluster_chaos.carried_out(tried, DRILL)
    finally:
        tried.k("scale", f"deployment/{GATEWAY}", "--replicas=1")
    assert result["experimentStatus"]["verdict"] == "Error"
    tried.until(lambda: tried.ready(GATEWAY) == 1)


def names(system: DeployedSystem) -> set[str]:
    """Name the pods of the service whose pods end."""
    return {pod["metadata"]["name"] for pod in system.pods(KILLED)}
