"""Alerts ask for what their environment has: its issuer, its project, charts that are read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rendered import ENVIRONMENTS, artifacts_of, plan_of

from tarmac.render.observability.alerting.catalogue import SOURCES, alerts
from tarmac.render.observability.scrape_values import CHARTS, render

WATCHED = [environment for environment in ENVIRONMENTS if alerts(plan_of(*environment))]
every = pytest.mark.parametrize(("system", "environment"), WATCHED)


def by_name(plan):
    return {alert.name: alert for group in alerts(plan).values() for alert in group}


def blind(plan):
    """Name the exporters whose absence is told."""
    return {alert.service for alert in alerts(plan)[SOURCES]}


def with_way_in(plan, **changed):
    ingress = plan.settings.ingress.model_copy(update=changed)
    return replace(plan, settings=plan.settings.model_copy(update={"ingress": ingress}))


def values(system, environment, path):
    return next((e.data for e in artifacts_of(system, environment) if e.path == path), None)


@pytest.mark.parametrize(
    ("changed", "watched"),
    [({}, True), ({"issuer": None}, False), ({"issuer": None, "tls": None}, False)],
)
def test_certificates_are_watched_where_an_issuer_makes_them(changed, watched):
    plan = with_way_in(plan_of("starter", "production"), **changed)
    assert ("CertificateExpires" in by_name(plan)) is watched
    assert ("CertificateNotRenewed" in by_name(plan)) is watched
    assert ("cert-manager" in blind(plan)) is watched
    assert any(e.path.endswith("/cert-manager.yaml") for e in render(plan)) is watched


@every
def test_the_project_that_is_asked_for_is_the_one_that_is_rendered(system, environment):
    project = values(system, environment, "argocd/applications/project.yaml")
    asked = by_name(plan_of(system, environment)).get("NotSynced")
    assert (asked is not None) is (project is not None)
    if asked and project:
        assert f'project="{project["metadata"]["name"]}"' in asked.expr


@every
def test_what_nothing_brings_makes_no_alert_that_fires_from_the_first_day_on(system, environment):
    plan = plan_of(system, environment)
    assert ("BackupOld" in by_name(plan)) is any(workload.volumes for workload in plan.workloads)
    assert "velero" not in blind(plan)
    for chart in blind(plan) & {*CHARTS, "argo-cd"}:
        folder = "argocd" if chart == "argo-cd" else "observability"
        assert values(system, environment, f"{folder}/values/{chart}.yaml"), chart


@pytest.mark.parametrize(
    ("system", "environment", "charts"),
    [
        ("shop", "production", {"cert-manager", "external-secrets", "flagger"}),
        ("travel", "prod", {"cert-manager", "external-secrets", "argo-rollouts"}),
        ("trading", "production", {"cert-manager", "external-secrets"}),
        ("shop", "kind", set()),
    ],
)
def test_the_charts_that_alerts_ask_for_are_read(system, environment, charts):
    assert {
        chart
        for chart in CHARTS
        if values(system, environment, f"observability/values/{chart}.yaml") == CHARTS[chart]
    } == charts


@pytest.mark.parametrize("system", ["shop", "starter", "travel"])
def test_the_operator_is_there_before_whoever_makes_a_monitor(system):
    environment = "prod" if system == "travel" else "production"
    start = next(e for e in artifacts_of(system, environment) if e.path == "bootstrap/start.sh")
    installed = [e.split()[1] for e in str(start.content).splitlines() if e.startswith("chart ")]
    before = installed[: installed.index("kube-prometheus-stack")]
    assert before in ([], ["istio-base", "istio-cni", "istiod"])  # which make none
    assert "cert-manager" in installed
    assert "argocd" in installed
    argo = values(system, environment, "argocd/values/argo-cd.yaml")
    assert argo["controller"]["metrics"]["serviceMonitor"] == {"enabled": True}
