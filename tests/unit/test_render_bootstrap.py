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


@pytest.mark.parametrize("environment", ["dev", "stg", "prod"])
def test_istiod_is_there_before_prometheus_which_scrapes_by_the_certificate_of_its_sidecar(
    environment,
):
    lines = str(artifact_of("travel", environment, "bootstrap/start.sh").content).splitlines()
    installed = [line.split()[1] for line in lines if line.startswith("chart ")]
    assert installed.index("istiod") < installed.index("kube-prometheus-stack")
    values = artifact_of("travel", environment, "observability/values/kube-prometheus-stack.yaml")
    labels = values.data["prometheus"]["prometheusSpec"]["podMetadata"]["labels"]
    assert labels["sidecar.istio.io/inject"] == "true"


def test_secrets_that_charts_wait_for_are_asked_for_before_anything_is_installed():
    script = str(artifact_of("travel", "prod", "bootstrap/start.sh").content)
    asked = [line.split()[1:] for line in script.splitlines() if line.startswith("need_secret ")]
    assert asked == [
        ["monitoring", "travel-grafana", "admin-user", "admin-password"],
        [
            "monitoring",
            "travel-alertmanager",
            "critical-pagerduty-routing-key",
            "warning-slack-url",
        ],
    ]
    assert script.rindex("need_secret ") < script.index("\nchart ")
    page = str(artifact_of("travel", "prod", "bootstrap/README.md").content)
    assert all(f"`{word}`" in page for words in asked for word in words)
    values = artifact_of("travel", "prod", "observability/values/kube-prometheus-stack.yaml").data
    assert values["grafana"]["admin"]["existingSecret"] == asked[0][1]
    assert values["alertmanager"]["alertmanagerSpec"]["secrets"] == [asked[1][1]]


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
