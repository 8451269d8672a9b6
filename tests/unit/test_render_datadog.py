"""Datadog's monitors, held against the objectives, and the agent's values against their queries."""

from __future__ import annotations

import json
import re

import pytest
from rendered import artifact_of, artifacts_of, plan_of

FOLDER = "observability/datadog"
PLAN = plan_of("hello-dd", "production")
COUNTED = re.compile(r"(?:default_zero\()?sum:[\w.]+\{[^}]*\}\.as_count\(\)\)?")
PERCENTILE = re.compile(r"percentile\(last_10m\):p95:[\w.]+\{[^}]*\} > ([\d.]+)")


def monitor(name: str) -> dict:
    return json.loads(
        artifact_of("hello-dd", "production", f"{FOLDER}/monitor-{name}.json").content
    )


def test_each_objective_has_its_monitor_and_no_other_is_loaded():
    names = {
        artifact.path.removeprefix(f"{FOLDER}/monitor-").removesuffix(".json")
        for artifact in artifacts_of("hello-dd", "production")
        if artifact.path.startswith(f"{FOLDER}/monitor-")
    }
    assert len(PLAN.objectives) == 2
    assert names == {"api-gateway-availability", "api-gateway-latency"}
    for name in names:
        found = monitor(name)
        assert "service:api-gateway" in found["query"]
        assert "env:production" in found["query"]
        assert found["query"].endswith(f"> {found['options']['thresholds']['critical']:g}")
        assert "@slack-hello-dd" in found["message"]


@pytest.mark.parametrize(
    ("failed", "of", "fires"),
    [(0, 1000, False), (14, 1000, False), (15, 1000, True), (1000, 1000, True)],
)
def test_the_monitor_on_failed_requests_fires_at_14_times_the_budget(failed, of, fires):
    ratio, _, limit = monitor("api-gateway-availability")["query"].rpartition(" > ")
    window, _, asked = ratio.partition(":")
    bad, every = COUNTED.findall(asked)
    assert (window, asked) == ("sum(last_1h)", f"{bad} / {every}")
    assert ("status:5*" in bad, "status" in every) == (True, False)
    # 0.1 % may fail.
    assert float(limit) == 0.0144
    assert (failed / of > float(limit)) == fires


@pytest.mark.parametrize(("p95_s", "fires"), [(0.299, False), (0.3, False), (0.301, True)])
def test_the_monitor_on_slow_requests_fires_above_the_objective(p95_s, fires):
    (limit,) = PERCENTILE.fullmatch(monitor("api-gateway-latency")["query"]).groups()
    assert (p95_s > float(limit)) == fires


def test_the_agent_puts_a_services_name_on_all_that_it_reads_in_its_pods():
    values = artifact_of("hello-dd", "production", "observability/values/datadog.yaml").data
    (label,) = values["datadog"]["podLabelsAsTags"]
    assert values["datadog"]["podLabelsAsTags"][label] == "service"
    deployments = [
        artifact.data
        for artifact in artifacts_of("hello-dd", "production")
        if artifact.path.startswith("k8s/") and artifact.data.get("kind") == "Deployment"
    ]
    assert len(deployments) == 3
    for one in deployments:
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert labels[label] == one["metadata"]["name"]
