"""Runbooks of objectives: each has its own service, kind and dependencies, in any order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rendered import plan_of

from tarmac.model.objective import Objective, ObjectiveAlert
from tarmac.render.observability.alerting.slo_burn_rules import burns
from tarmac.render.observability.alerting.slo_own_rules import own
from tarmac.render.observability.alerting.slo_rules import BURN, measured
from tarmac.render.observability.alerting.slo_runbooks import slo_runbooks
from tarmac.render.observability.runbooks import render


def plan_with(*objectives):
    return replace(plan_of("travel", "prod"), objectives=objectives)


def diagnosis_of(plan, name):
    """Give the diagnosis of a page: by title, the query or command."""
    page = next(page for page in slo_runbooks(plan) if page.name == name)
    return {step.show: step.command for step in page.runbook.diagnosis}


def test_the_page_of_burn_rates_has_the_diagnosis_of_every_service_with_an_objective():
    plan = plan_of("travel", "prod")
    assert [objective.name for objective in measured(plan)] == [
        "orders_availability",
        "catalog_latency",
    ]
    found = diagnosis_of(plan, BURN)
    failing = found["orders_availability: Failing routes of orders"]
    slow = found["catalog_latency: Slow routes of catalog"]
    assert 'service="orders",status=~"5.."' in failing
    assert slow.startswith("histogram_quantile(0.95")
    assert 'service="catalog"' in slow
    assert "deploy/orders" in found["orders_availability: Log of orders"]
    assert "deploy/catalog" in found["catalog_latency: Log of catalog"]
    alerts = found["orders_availability: Firing alerts of the dependencies of orders"]
    assert alerts == 'ALERTS{alertstate="firing",service=~"auth|catalog|broker|orders-db"}'


def test_runbooks_of_burn_rates_differ_by_the_labels_of_their_rules():
    plan = plan_of("travel", "prod")
    page = next(
        artifact for artifact in render(plan) if artifact.path == "runbooks/error-budget-burn.md"
    )
    for objective in measured(plan):
        labels = {rule.labels["objective"] for rule in burns(plan, objective)}
        assert labels == {objective.name}
        assert (
            f"| `{objective.name}` | {objective.service} | {objective.sentence} |" in page.content
        )
    assert "SERVICE=orders  # one of: orders, catalog\n" in page.content


@pytest.mark.parametrize("turned", [False, True])
def test_one_alert_name_on_two_objectives_has_one_page_with_both(turned):
    alert = {"name": "TooBad", "over": "5m", "below": 0.9, "for": "5m", "severity": "warning"}
    objectives = [
        Objective(service="orders", availability=99, alerts=(ObjectiveAlert(**alert),)),
        Objective(service="catalog", latency="200ms", alerts=(ObjectiveAlert(**alert),)),
    ]
    plan = plan_with(*(objectives[::-1] if turned else objectives))
    assert [page.name for page in slo_runbooks(plan)] == [BURN, "TooBad"]
    found = diagnosis_of(plan, "TooBad")
    assert "orders_availability: Failing routes of orders" in found
    assert "catalog_latency: Slow routes of catalog" in found
    page = next(page for page in slo_runbooks(plan) if page.name == "TooBad")
    assert "requests to orders were without a 5xx" in page.runbook.meaning
    assert "requests to catalog were fast enough" in page.runbook.meaning


def test_an_objective_that_nothing_counts_has_neither_rules_nor_a_page():
    between = Objective(service="catalog", latency="250ms")
    of_nothing = Objective(service="no-such-service", availability=99)
    plan = plan_with(between, of_nothing)
    assert measured(plan) == ()
    assert list(slo_runbooks(plan)) == []


def test_what_a_rule_says_and_what_its_page_says_is_the_same_sentence():
    plan = plan_of("shop", "production")
    for objective in measured(plan):
        for rule in (*burns(plan, objective), *own(plan, objective)):
            assert f"Objective: {objective.sentence}." in rule.annotations["description"]
