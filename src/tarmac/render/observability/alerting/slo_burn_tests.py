"""Unit tests of burn-rate alerts: each pair of windows, with the others beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tarmac.base.written import duration
from tarmac.plan.slo import budget
from tarmac.plan.slo.indicator import number
from tarmac.plan.slo.measured import FOLDED_S
from tarmac.render.observability.alerting.promtool import expect_firing, expect_none, rule_test
from tarmac.render.observability.alerting.slo_rules import BURN, AlertRule
from tarmac.render.observability.alerting.slo_series import (
    OVER,
    STEP_S,
    UNDER,
    expected,
    lines,
    step_s,
)


def _share(bad: float, window_s: float, before_s: float, lasts_s: float, at_s: float) -> float:
    """Return the bad share of a window that ends at a time, as far back as anything was counted."""
    seen_s = min(window_s, at_s)
    from_s = max(before_s, at_s - seen_s)
    return bad * max(0.0, min(at_s, before_s + lasts_s) - from_s) / seen_s


def _so(rule: AlertRule, bad: float, before_s: float, lasts_s: float, at_s: float) -> bool:
    return all(
        _share(bad, window_s, before_s, lasts_s, at_s) > above
        for window_s, above in rule.above.items()
    )


def burn_tests(rule: AlertRule, every: list[AlertRule]) -> Iterator[dict[str, Any]]:
    """Test one pair of windows, with all others of the same objective beside it."""
    step = step_s(rule)
    long_s, share = max(rule.above), max(rule.above.values())
    bad = min(share * OVER, 1.0)
    before_s = long_s
    seen_s = long_s * share / bad
    # A range's both ends count or one of them, by the version: a step more or less of it.
    off = step / long_s if long_s >= FOLDED_S else 0.0
    last_quiet_s = before_s + (math.ceil(seen_s * (1 - step / long_s) / step) - 1) * step
    fires_s = before_s + (math.floor(seen_s * (1 + off) / step) + 1) * step
    lasts_s = fires_s - before_s + max(2 * step, min(rule.above))
    short_s = min(rule.above)
    gone_s = budget.gone_after(short_s, share, bad) or 0.0
    still_s = before_s + lasts_s + math.floor(gone_s * (1 - STEP_S / short_s) / step) * step
    clear_s = before_s + lasts_s + (math.floor(gone_s / step) + 1) * step

    def at(at_s: float) -> dict[str, Any]:
        so = [other for other in every if _so(other, bad, before_s, lasts_s, at_s)]
        found = expect_none(at_s, BURN)
        for other in so:
            labels, annotations = expected(other)
            found["exp_alerts"] += expect_firing(at_s, BURN, labels, annotations)["exp_alerts"]
        return found

    windows = f"{rule.labels['long_window']} and {rule.labels['short_window']}"
    name = f"{BURN} of {rule.objective.name} in {windows}"
    after_s = clear_s - before_s - lasts_s + step
    yield rule_test(
        f"{name} fires {duration(fires_s - before_s)} after {number(bad * 100)} % became bad",
        STEP_S,
        lines(rule.objective, ((0, before_s), (bad, lasts_s), (0, after_s))),
        [at(moment_s) for moment_s in (last_quiet_s, fires_s, still_s, clear_s)],
    )
    low = share * UNDER
    above_low = [other for other in every if max(other.above.values()) < low]
    checked = expect_none(2 * short_s, BURN)
    for other in above_low:
        labels, annotations = expected(other)
        checked["exp_alerts"] += expect_firing(0, BURN, labels, annotations)["exp_alerts"]
    yield rule_test(
        f"{name} is silent at {number(low * 100)} %",
        STEP_S,
        lines(rule.objective, ((low, 2 * short_s + step),)),
        [checked],
    )
