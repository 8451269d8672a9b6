"""Alerts on how fast an objective's error budget burns."""

from __future__ import annotations

from tarmac.base.written import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo import budget
from tarmac.plan.slo.indicator import number
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render.observability.alerting.slo_rules import BURN, AlertRule, annotated, labels


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
    texts = annotated(
        plan,
        BURN,
        summary=f"{objective.service} uses up its error budget {fast}",
        description=f"So many requests {objective.bad} in {long} that {spent} went, and in the "
        f"last {short} it goes on. Objective: {objective.sentence}.",
    )
    expr = " and ".join(f"1 - {ratio} > {above}" for ratio in ratios)
    if objective.objective.min_requests:
        expr += f" and on() ({objective.has_enough(pair.long_s)})"
    share = budget.threshold(pair, objective.budget)
    return AlertRule(
        BURN,
        objective,
        expr=expr,
        above={pair.long_s: share, pair.short_s: share},
        for_s=0,
        labels={
            **labels(objective, pair.severity, plan.owner),
            "long_window": long,
            "short_window": short,
        },
        annotations=texts,
    )
