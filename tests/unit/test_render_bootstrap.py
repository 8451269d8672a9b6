"""The script that fills an empty cluster installs what the tree beside it needs."""

from __future__ import annotations

import pytest
from rendered import artifact_of


@pytest.mark.parametrize("environment", ["dev", "stg", "prod"])
def test_an_empty_cluster_of_travel_gets_the_addons_that_its_tree_needs(environment):
    lines = str(artifact_of("travel", environment, "bootstrap/start.sh").content).splitlines()
    charts = {line.split()[1]: line.split()[2:] for line in lines if line.startswith("chart ")}
    needed = {"cert-manager", "external-secrets", "kube-prometheus-stack", "istiod"}
    assert needed - charts.keys() == set()
    # What makes the records of production's hosts is Terraform.
    assert ("external-dns" in charts) == (environment == "stg")
    for namespace, repository, chart, version in charts.values():
        assert namespace
        assert repository.startswith(("https://", "oci://"))
        assert chart
        assert version.count(".") == 2, "each chart has the one version that was reviewed"


@pytest.mark.parametrize("environment", ["dev", "stg", "prod"])
def test_a_namespace_that_no_chart_makes_is_there_before_git_fills_the_cluster(environment):
    lines = str(artifact_of("travel", environment, "bootstrap/start.sh").content).splitlines()
    # Its Gateway is there; istio's own charts are in istio-system.
    assert [line for line in lines if line.startswith("space ")] == ["space istio-ingress"]
    assert lines.index("space istio-ingress") < lines.index("start root.yaml")


def test_what_keeps_signals_is_installed_last_by_the_charts_own_versions():
    lines = str(artifact_of("travel", "prod", "bootstrap/start.sh").content).splitlines()
    after = lines[lines.index("start root.yaml") + 1 :]
    wanted = ["loki", "alloy", "tempo", "opentelemetry-collector"]
    assert [line.split()[1] for line in after] == wanted
    for line in after:
        _, release, namespace, repository, chart, version = line.split()
        values = artifact_of("travel", "prod", f"observability/values/{release}.yaml")
        by_hand = f"{chart} --repo {repository} --version {version.removeprefix('=')}"
        assert by_hand in values.notes[0]
        assert version.startswith("=")
        assert f"--namespace {namespace} " in values.notes[1]
