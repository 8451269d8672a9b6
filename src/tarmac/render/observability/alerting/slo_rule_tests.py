"""Unit tests of the rules of objectives: when each alert fires, clears and is silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render.observability.alerting.slo_burn_rules import burns
from tarmac.render.observability.alerting.slo_burn_tests import burn_tests
from tarmac.render.observability.alerting.slo_own_rules import own
from tarmac.render.observability.alerting.slo_own_tests import own_tests
from tarmac.render.observability.alerting.slo_recorded_tests import recorded_tests
from tarmac.render.observability.alerting.slo_series import STEP_S, step_s


def rule_tests(
    plan: ClusterPlan,
    objective: MeasuredObjective,
    clock_s: int,
) -> Iterator[dict[str, Any]]:
    """Yield the tests of an objective that go by a clock."""
    burning = burns(plan, objective)
    if clock_s == STEP_S:
        yield from recorded_tests(objective)
        for rule in own(plan, objective):
            yield from own_tests(rule)
    for rule in burning:
        if step_s(rule) == clock_s:
            yield from burn_tests(rule, burning)
