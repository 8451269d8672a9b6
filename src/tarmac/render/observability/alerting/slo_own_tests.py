"""Unit tests of an objective's own alerts: pending, firing, cleared, and silent below."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tarmac.base.written import duration
from tarmac.plan.slo import budget
from tarmac.plan.slo.indicator import number
from tarmac.render.observability.alerting.promtool import (
    expect_firing,
    expect_none,
    rule_test,
    sample,
)
from tarmac.render.observability.alerting.slo_rules import AlertRule
from tarmac.render.observability.alerting.slo_series import OVER, STEP_S, UNDER, expected, lines


def own_tests(rule: AlertRule) -> Iterator[dict[str, Any]]:
    """Test an alert of the objective's own: pending, firing, cleared; and silent below."""
    ((over_s, above),) = rule.above.items()
    bad = min(above * OVER, 1.0)
    before_s = over_s
    seen_s = over_s * above / bad
    first_s = before_s + (math.floor(seen_s / STEP_S) + 1) * STEP_S
    early_s = before_s + math.ceil(seen_s * (1 - STEP_S / over_s) / STEP_S) * STEP_S
    fires_s = first_s + rule.for_s
    full_s = max(fires_s, before_s + over_s)
    lasts_s = full_s - before_s + 5 * STEP_S
    gone_s = budget.gone_after(over_s, above, bad) or 0.0
    clear_s = before_s + lasts_s + (math.floor(gone_s / STEP_S) + 1) * STEP_S
    labels, annotations = expected(rule)
    if rule.of_budget:
        labels["window"] = duration(over_s)
    value = budget.remaining(bad, rule.objective.budget) if rule.of_budget else 1 - bad
    shown = {
        key: text.replace("{{ $value | humanizePercentage }}", f"{value * 100:.4g}%")
        for key, text in annotations.items()
    }
    given = {"alertname": rule.name, "objective": rule.objective.name}
    selected = ",".join(f'{key}="{value}"' for key, value in given.items())
    firing = f'count(ALERTS{{alertstate="firing",{selected}}})'
    yield rule_test(
        f"{rule.name} of {rule.objective.name} fires {duration(fires_s - before_s)} after "
        f"{number(bad * 100)} % became bad",
        STEP_S,
        lines(rule.objective, ((0, before_s), (bad, lasts_s), (0, clear_s - before_s))),
        [
            expect_none(early_s + rule.for_s - STEP_S, rule.name),
            expect_firing(full_s, rule.name, labels, shown),
            expect_firing(before_s + lasts_s, rule.name, labels, shown),
            expect_none(clear_s, rule.name),
        ],
        [sample(fires_s, firing, "{}", 1)],
    )
    low = above * UNDER
    # A share that never changes is the same in every window, however little of it was seen.
    quiet_s = rule.for_s + 5 * STEP_S
    yield rule_test(
        f"{rule.name} of {rule.objective.name} is silent at {number(low * 100)} %",
        STEP_S,
        lines(rule.objective, ((low, quiet_s),)),
        [expect_none(quiet_s, rule.name)],
    )
