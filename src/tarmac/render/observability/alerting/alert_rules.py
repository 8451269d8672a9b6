"""The rule of Prometheus that is made of an alert, and what leads from it to a dashboard."""

from __future__ import annotations

from typing import Any

from tarmac.base.written import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.alert import Alert
from tarmac.render.observability.alerting.links import UID, board_url, runbook_url, whole
from tarmac.render.observability.alerting.subjects import watched

#: The dashboard of the whole system.
OVERVIEW = "overview"


def dashboard_url(plan: ClusterPlan, alert: Alert) -> str:
    """Give the address of an alert's dashboard: its service's, or the system's.

    Where the series has the label `service`, that label stands in the address; a name that is too
    long for that has another uid, so all of them have the system's.
    """
    names = [service.name for service in watched(plan)]
    if alert.overview:
        board = OVERVIEW
    elif alert.service:
        board = f"service-{alert.service}" if alert.service in names else OVERVIEW
    elif all(len(whole(plan, f"service-{name}")) <= UID for name in names):
        return f"https://grafana.{plan.domain}/d/{whole(plan, 'service-{{ $labels.service }}')}"
    else:
        board = OVERVIEW
    return board_url(plan, board)


def labels(plan: ClusterPlan, alert: Alert) -> dict[str, str]:
    """List the labels that the rule gives."""
    own = {"service": alert.service} if alert.service else {}
    return {"severity": alert.severity, "team": plan.owner, "namespace": plan.namespace, **own}


def annotated(plan: ClusterPlan, alert: Alert) -> dict[str, str]:
    """List the texts and addresses for a reader."""
    return {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": runbook_url(plan, alert.name),
        "dashboard_url": dashboard_url(plan, alert),
    }


def rule(plan: ClusterPlan, alert: Alert) -> dict[str, Any]:
    """Write an alert as a rule of Prometheus."""
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": minutes(alert.for_m),
        "labels": labels(plan, alert),
        "annotations": annotated(plan, alert),
    }


def minutes(many: int) -> str:
    """Write minutes as such, however many they are: `70m` beside `60m`."""
    return duration(60 * many, "m")
