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
