"""Metrics are kept as long as the objectives look back, or as long as the model says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rendered import artifact_of, plan_of

from tarmac.model.objective import Objective
from tarmac.render.observability.charts.prometheus import stack

VALUES = "observability/values/kube-prometheus-stack.yaml"
DAY_S = 86400


def kept(retention=None, *objectives):
    plan = plan_of("starter", "production")
    watched = plan.settings.observability.model_copy(update={"retention": retention})
    settings = plan.settings.model_copy(update={"observability": watched})
    made = stack(replace(plan, settings=settings, objectives=objectives))
    return made["prometheus"]["prometheusSpec"]["retention"]


def objective(window, *alerts):
    return Objective(service="orders", availability=99.9, window=window, alerts=alerts)


def test_the_systems_keep_their_thirty_days_and_a_weekend():
    for system, environment in (("shop", "production"), ("travel", "prod")):
        values = artifact_of(system, environment, VALUES).data
        assert values["prometheus"]["prometheusSpec"]["retention"] == "33d"


@pytest.mark.parametrize(
    ("objectives", "wanted"),
    [
        ((), "15d"),
        ((objective("1d"),), "15d"),
        ((objective("14d"),), "17d"),
        ((objective("1d"), objective("90d")), "93d"),
    ],
)
def test_the_longest_window_decides_and_a_fortnight_is_the_least(objectives, wanted):
    assert kept(None, *objectives) == wanted


def test_an_alert_that_looks_further_back_than_its_objective_counts():
    late = {"name": "Late", "over": "60d", "below": 0.9, "for": "1h", "severity": "warning"}
    assert kept(None, objective("7d", late)) == "63d"


def test_what_the_model_says_is_rendered_and_left_to_the_gate():
    assert kept(7 * DAY_S, objective("30d")) == "7d"
    assert kept(36 * 3600.0) == "1d12h"
