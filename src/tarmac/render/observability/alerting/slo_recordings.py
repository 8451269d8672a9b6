"""The recorded series of an objective: shares of good requests, and the rest of its budget.

A rule gives the share of good requests. Without a request it is 1, since nothing failed: the
divisor is never zero, so no NaN spreads and no alert fires. Where nothing is measured there is no
value at all.
"""

from __future__ import annotations

from typing import Any

from tarmac.base.written import duration
from tarmac.plan.slo import budget
from tarmac.plan.slo.indicator import number
from tarmac.plan.slo.measured import MeasuredObjective


def recordings(objective: MeasuredObjective) -> list[dict[str, Any]]:
    """Write what is recorded of an objective."""

    def rule(name: str, expr: str, **more: str) -> dict[str, Any]:
        return {"record": name, "expr": expr, "labels": {**objective.labels, **more}}

    five_s = 5 * budget.MINUTE_S
    # Not one without the other: zero bad of nothing measured is not a measurement.
    bad = f"{objective.bad_requests(five_s)} and {objective.requests(five_s)}"
    found = [
        rule(f"slo:{objective.name}:bad_rate5m", bad),
        rule(f"slo:{objective.name}:requests_rate5m", objective.requests(five_s)),
    ]
    found += [
        rule(f"slo:{objective.name}:ratio_rate{duration(window)}", objective.good_share(window))
        for window in objective.windows_s
    ]
    for window in objective.budgets_s:
        used = f"(1 - {objective.recorded_ratio(window)})"
        expr = f"1 - {used} / {number(objective.budget)}"
        found.append(rule("slo:error_budget:remaining", expr, window=duration(window)))
    return found
