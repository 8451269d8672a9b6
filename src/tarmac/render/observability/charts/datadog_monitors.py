"""Monitors of Datadog, as its API has them: one for each objective."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.indicator import number
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render.observability.charts.datadog import USERS, space

#: The burn that spends 2 % of a month's budget in an hour (SRE Workbook, table 5-8).
FAST = 14.4


def monitors(plan: ClusterPlan) -> dict[str, dict[str, Any]]:
    """List the monitors, by the names of their files."""
    # Its distributions answer for any time: also for one that is not a bucket's bound.
    objectives = (MeasuredObjective(wanted, plan.namespace) for wanted in plan.objectives)
    return {f"{found.service}-{found.kind}": _monitor(plan, found) for found in objectives}


def _monitor(plan: ClusterPlan, objective: MeasuredObjective) -> dict[str, Any]:
    own = f"env:{plan.environment},service:{objective.service},{USERS}"
    name = space(plan)
    if objective.latency_s is not None:
        took = f"{name}.http_request_duration_seconds"
        limit, percent = objective.latency_s, number(100 * objective.target)
        query = f"percentile(last_10m):p{percent}:{took}{{{own}}} > {limit:g}"
        title = f"{objective.service}: P{percent} is above {limit:g} s"
    else:
        limit = round(FAST * objective.budget, 10)
        count = f"{name}.http_requests.count"
        query = (
            f"sum(last_1h):default_zero(sum:{count}{{{own},status:5*}}.as_count())"
            f" / sum:{count}{{{own}}}.as_count() > {limit:g}"
        )
        title = f"{objective.service}: its error budget is spent {FAST:g} times too fast"
    return {
        "name": f"[{plan.system} {plan.environment}] {title}",
        "type": "query alert",
        "query": query,
        "message": f"{title}. Objective: {objective.sentence} ({plan.model}).{_mention(plan)}",
        "tags": [f"env:{plan.environment}", f"service:{objective.service}", f"team:{plan.owner}"],
        "priority": 1,
        "options": {
            "thresholds": {"critical": limit},
            "notify_no_data": False,
            "require_full_window": False,
            "include_tags": True,
            "renotify_interval": 60,
        },
    }


def _mention(plan: ClusterPlan) -> str:
    watched = plan.settings.observability
    how = watched.notify.get("critical") if watched else None
    handles = {
        "slack": f" @slack-{plan.system}",
        "pagerduty": f" @pagerduty-{plan.system}",
        "email": f" @{plan.owner}@{plan.domain}",
    }
    return handles.get(how or "", "")
