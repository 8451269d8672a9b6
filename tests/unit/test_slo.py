"""Error budgets and burn rates, by their definitions and by the workbook's own numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.model.objective import Objective, ObjectiveAlert
from tarmac.plan.slo import budget, indicator
from tarmac.plan.slo.measured import MeasuredObjective

DAY_S, HOUR_S = 86400, 3600
WINDOWS = st.integers(1, 365).map(lambda days: days * DAY_S)
SHARES = st.floats(0.0001, 0.5)


def test_thirty_days_have_the_pairs_of_the_workbook():
    found = budget.pairs(30 * DAY_S)
    assert [(p.severity, p.long_s, p.short_s, p.spent, p.factor) for p in found] == [
        ("critical", HOUR_S, 300, 0.02, 14.4),
        ("critical", 6 * HOUR_S, 1800, 0.05, 6),
        ("warning", DAY_S, 2 * HOUR_S, 0.1, 3),
        ("warning", 3 * DAY_S, 6 * HOUR_S, 0.1, 1),
    ]  # fmt: skip


@given(WINDOWS)
def test_a_factor_spends_its_share_of_the_budget_in_its_long_window(window_s):
    for pair in budget.pairs(window_s):
        assert pair.factor * pair.long_s / window_s == pytest.approx(pair.spent, abs=1e-5)


@given(WINDOWS)
def test_a_short_window_is_a_twelfth_in_whole_minutes_and_no_burn_is_slower_than_allowed(window_s):
    found = budget.pairs(window_s)
    for pair in found:
        assert pair.short_s * 12 == pair.long_s
        assert pair.short_s % 60 == 0
        assert pair.short_s >= budget.SHORTEST_S
        assert pair.factor >= 1
    assert len({pair.long_s for pair in found}) == len(found)


@given(SHARES)
def test_a_budget_is_whole_with_nothing_bad_and_gone_with_all_that_may_be(allowed):
    assert budget.remaining(0, allowed) == 1
    assert budget.remaining(allowed, allowed) == 0
    assert budget.remaining(2 * allowed, allowed) == -1


@given(SHARES, st.floats(1.01, 10))
def test_worse_trouble_is_seen_sooner_and_takes_longer_to_be_forgotten(allowed, times):
    pair = budget.pairs(30 * DAY_S)[0]
    bad = budget.threshold(pair, allowed) * 1.1
    seen, worse = (budget.detection_s(pair, allowed, fraction) for fraction in (bad, bad * times))
    assert worse < seen <= pair.long_s
    gone, later = (budget.reset_s(pair, allowed, fraction) for fraction in (bad, bad * times))
    assert gone < later < pair.short_s


def test_an_outage_of_a_three_nines_objective_is_seen_within_a_minute():
    pair = budget.pairs(30 * DAY_S)[0]
    assert budget.detection_s(pair, 0.001, 1.0) == pytest.approx(51.84)  # 60 min x 14.4 x 0.001
    assert budget.detection_s(pair, 0.001, 0.0144) is None
    assert budget.reset_s(pair, 0.001, 0.0144) is None


def test_a_pair_that_asks_for_more_than_every_request_can_never_fire():
    pair = budget.pairs(30 * DAY_S)[0]
    assert budget.can_fire(pair, 0.05)
    assert not budget.can_fire(pair, 0.1)


def test_an_objective_is_named_as_its_rules_are_and_has_the_budget_that_it_leaves():
    available = Objective(service="api-gateway", availability=99.95)
    fast = Objective(service="api-gateway", name="api", latency="200ms", percent=95)
    assert (indicator.name(available), budget.budget(available)) == (
        "api_gateway_availability",
        0.0005,
    )
    assert (indicator.name(fast), budget.budget(fast)) == ("api_latency", 0.05)


def test_a_bound_is_a_bucket_or_lies_between_two():
    known = indicator.buckets()
    assert indicator.le(indicator.bound(0.2, known)) == "0.2"
    assert indicator.le(indicator.bound(1, known)) == "1.0"
    assert indicator.bound(0.25, known) is None
    assert indicator.nearest(0.25, known) == (0.2, 0.3)
    assert indicator.nearest(60, known) == (10.0,)


def test_a_measured_objective_says_its_kind_and_sentence_once_for_all():
    available = MeasuredObjective(Objective(service="web", availability=99.95), "prod")
    fast = MeasuredObjective(Objective(service="web", latency="200ms", percent=95), "prod")
    assert (available.kind, available.name) == ("availability", "web_availability")
    assert (fast.kind, fast.name, fast.bound_s) == ("latency", "web_latency", 0.2)
    assert available.sentence == "99.95 % of requests without a 5xx over 30d"
    assert fast.sentence == "95 % of requests within 0.2 s over 30d"
    assert (available.bad, fast.bad) == ("failed", "took longer than 0.2 s")
    assert fast.recorded_ratio(300) == 'slo:web_latency:ratio_rate5m{namespace="prod"}'
    assert available.burn(3600) == (
        '(1 - slo:web_availability:ratio_rate1h{namespace="prod"}) / (1 - 0.9995)'
    )


def test_an_objective_between_two_buckets_is_not_counted():
    between = MeasuredObjective(Objective(service="web", latency="250ms"), "prod")
    assert (between.bound_s, between.counted) == (None, False)
    assert MeasuredObjective(Objective(service="web", latency="200ms"), "prod").counted


def test_the_windows_of_an_objective_are_those_of_its_pairs_and_of_its_own_alerts():
    alert = {"name": "Low", "of": "budget", "over": "40d", "below": 0.1, "for": "5m"}
    alerts = (ObjectiveAlert(**alert, severity="warning"),)
    objective = MeasuredObjective(
        Objective(service="web", availability=99.9, alerts=alerts), "prod"
    )
    assert objective.budgets_s == (40 * DAY_S,)
    assert objective.longest_s == 40 * DAY_S
    assert objective.windows_s == (
        300, 1800, HOUR_S, 2 * HOUR_S, 6 * HOUR_S, DAY_S, 3 * DAY_S, 40 * DAY_S,
    )  # fmt: skip
