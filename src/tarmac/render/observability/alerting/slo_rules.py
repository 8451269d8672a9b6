"""The rules of objectives: the recorded series of each, and its alerts.

A rule gives the share of good requests. Without a request it is 1, since nothing failed: the
divisor is never zero, so no NaN spreads and no alert fires. Where nothing is measured there is no
value at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.model.objective import ObjectiveAlert
from tarmac.model.value import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.links import board_url, runbook_url
from tarmac.slo import budget
from tarmac.slo.indicator import number
from tarmac.slo.measured import MeasuredObjective

#: The alert on how fast a budget burns, of every objective.
BURN = "ErrorBudgetBurn"
BOARD = "slo-overview"


@dataclass(frozen=True)
class AlertRule:
    """An alert on an objective: it holds while the bad share is above, in each of the windows."""

    name: str
    objective: MeasuredObjective
    expr: str
    #: Window in seconds -> the bad share above which it holds.
    above: Mapping[int, float]
    for_s: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    #: Its value is the rest of the budget, and not the share of good requests.
    of_budget: bool = False

    @property
    def rule(self) -> dict[str, Any]:
        """Write it as a rule of Prometheus."""
        pending = {"for": duration(self.for_s)} if self.for_s else {}
        return {
            "alert": self.name,
            "expr": self.expr,
            **pending,
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
        }


def measured(plan: ClusterPlan) -> tuple[MeasuredObjective, ...]:
    """List the objectives that can be measured; OBS002 says what is wrong with any other."""
    services = {service.name for service in plan.services if service.metrics is not None}
    objectives = (MeasuredObjective(wanted, plan.namespace) for wanted in plan.objectives)
    return tuple(found for found in objectives if found.service in services and found.counted)


def recordings(objective: MeasuredObjective) -> list[dict[str, Any]]:
    """Write what is recorded of an objective."""

    def rule(name: str, expr: str, **more: str) -> dict[str, Any]:
        return {"record": name, "expr": expr, "labels": {**objective.labels, **more}}

    five_s = 5 * budget.MINUTE_S
    # Not one without the other: zero bad of nothing measured is no measurement.
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


def _annotations(plan: ClusterPlan, name: str, **texts: str) -> dict[str, str]:
    return {
        **texts,
        "runbook_url": runbook_url(plan, name),
        "dashboard_url": board_url(plan, BOARD),
    }


def _labels(objective: MeasuredObjective, severity: str, team: str) -> dict[str, str]:
    return {
        "severity": severity,
        "team": team,
        "service": objective.service,
        "objective": objective.name,
    }


def burns(plan: ClusterPlan, objective: MeasuredObjective) -> list[AlertRule]:
    """Make the alerts on how fast the budget burns, one for each pair of windows."""
    return [_burn(plan, objective, pair) for pair in objective.pairs]


def _burn(plan: ClusterPlan, objective: MeasuredObjective, pair: budget.Pair) -> AlertRule:
    above = f"{number(pair.factor)} * {number(objective.budget)}"
    long, short = duration(pair.long_s), duration(pair.short_s)
    ratios = [objective.recorded_ratio(window) for window in (pair.long_s, pair.short_s)]
    spent = f"{number(100 * pair.spent)} % of what {duration(objective.window_s)} allow"
    # A budget that is used up exactly at the end of the window alerts, too.
    fast = "faster than allowed"
    if pair.factor != 1:
        fast = f"more than {number(pair.factor)} times as fast as allowed"
    annotations = _annotations(
        plan,
        BURN,
        summary=f"{objective.service} uses up its error budget {fast}",
        description=f"So many requests {objective.bad} in {long} that {spent} went, and in the "
        f"last {short} it goes on. Objective: {objective.sentence}.",
    )
    share = budget.threshold(pair, objective.budget)
    return AlertRule(
        BURN,
        objective,
        expr=" and ".join(f"1 - {ratio} > {above}" for ratio in ratios),
        above={pair.long_s: share, pair.short_s: share},
        for_s=0,
        labels={
            **_labels(objective, pair.severity, plan.owner),
            "long_window": long,
            "short_window": short,
        },
        annotations=annotations,
    )


def own(plan: ClusterPlan, objective: MeasuredObjective) -> list[AlertRule]:
    """Make the alerts that the objective itself declares."""
    return [_own(plan, objective, alert) for alert in objective.alerts]


def _own(plan: ClusterPlan, objective: MeasuredObjective, alert: ObjectiveAlert) -> AlertRule:
    over, of_budget = duration(alert.over), alert.of == "budget"
    if of_budget:
        series = objective.recorded_budget(alert.over)
        summary = f"{objective.service}'s error budget is nearly used up"
        description = f"{{{{ $value | humanizePercentage }}}} is left of what {over} allows"
        above = objective.budget * (1 - alert.below)
    else:
        series = objective.recorded_ratio(alert.over)
        summary = f"{objective.service}: too many requests {objective.bad}"
        description = f"{{{{ $value | humanizePercentage }}}} of requests in {over} were good"
        above = 1 - alert.below
    annotations = _annotations(
        plan,
        alert.name,
        summary=summary,
        description=f"{description}, less than {number(100 * alert.below)} % for "
        f"{duration(alert.for_)}. Objective: {objective.sentence}.",
    )
    return AlertRule(
        alert.name,
        objective,
        expr=f"{series} < {number(alert.below)}",
        above={round(alert.over): round(above, 12)},
        for_s=alert.for_,
        labels=_labels(objective, alert.severity, alert.team or plan.owner),
        annotations=annotations,
        of_budget=of_budget,
    )
