"""An alert on an objective, and what the alerts of all objectives share.

`slo_recordings` has the series that they read, `slo_burn_rules` and `slo_own_rules` make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.base.written import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render.observability.alerting.links import board_url, runbook_url
from tarmac.render.observability.alerting.subjects import watched

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
    services = {service.name for service in watched(plan)}
    objectives = (MeasuredObjective(wanted, plan.namespace) for wanted in plan.objectives)
    return tuple(found for found in objectives if found.service in services and found.counted)


def annotated(plan: ClusterPlan, name: str, **texts: str) -> dict[str, str]:
    """List the texts and addresses for a reader."""
    return {
        **texts,
        "runbook_url": runbook_url(plan, name),
        "dashboard_url": board_url(plan, BOARD),
    }


def labels(objective: MeasuredObjective, severity: str, team: str) -> dict[str, str]:
    """List the labels of an alert on an objective."""
    return {
        "severity": severity,
        "team": team,
        "service": objective.service,
        "objective": objective.name,
    }
