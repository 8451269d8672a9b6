"""Alerts that an objective itself declares."""

from __future__ import annotations

from tarmac.base.written import duration
from tarmac.model.objective import ObjectiveAlert
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.indicator import number
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render.observability.alerting.slo_rules import AlertRule, annotated, labels


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
    texts = annotated(
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
        labels=labels(objective, alert.severity, alert.team or plan.owner),
        annotations=texts,
        of_budget=of_budget,
    )
