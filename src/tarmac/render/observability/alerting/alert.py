"""An alert as data, and the rule of Prometheus that is made of one.

The alerts themselves are in assets/alerts and, of what one kind of store alone measures, in
assets/stores; `catalogue` reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tarmac import signals
from tarmac.model.observability import Severity
from tarmac.model.value import duration
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.observability.alerting.links import UID, board_url, runbook_url, whole

#: Minutes of each test before anything is wrong.
BEFORE_M = 10
#: The dashboard of the whole system.
OVERVIEW = "overview"


@dataclass(frozen=True)
class InputSeries:
    """One input series of a rule's test: its value in each minute, nan where there is none.

    Of a counter: the increase in each.
    """

    series: str
    #: While nothing is wrong.
    fine: float
    #: While it is.
    bad: float | None = None
    #: Just not bad enough.
    edge: float | None = None
    counter: bool = False


@dataclass(frozen=True)
class RuleTest:
    """The test of an alert: series with which it fires, and those with which it must not."""

    series: tuple[InputSeries, ...]
    #: The labels that its series has besides those that the rule gives.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: The value as the annotations show it.
    shown: str = ""
    #: Minutes until the expression holds, and until it no longer does.
    late_m: int = 0
    lasts_m: int = 0


Language = Literal["run", "promql", "sql", "see"]


@dataclass(frozen=True)
class Step:
    """One place to look at: what it shows, and the command or query."""

    show: str
    command: str
    #: Where it is entered: a shell, Prometheus, psql; `see` is a place without a command.
    language: Language


@dataclass(frozen=True)
class Runbook:
    """What the person on call needs to know when it fires."""

    meaning: str
    impact: str
    diagnosis: tuple[Step, ...]
    causes: tuple[str, ...]
    mitigation: tuple[str, ...]
    escalation: str


@dataclass(frozen=True)
class Alert:
    """One alert of one system in one environment."""

    name: str
    severity: Severity
    expr: str
    #: Minutes for which the expression must hold.
    for_m: int
    summary: str
    description: str
    runbook: Runbook
    test: RuleTest
    #: Whose alert it is, where the expression's own label does not say so.
    service: str = ""
    #: It may be a store's, which has no dashboard of its own.
    overview: bool = False


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


def watched(plan: ClusterPlan) -> tuple[Workload, ...]:
    """List the services whose metrics are read."""
    return tuple(service for service in plan.services if service.metrics is not None)


def exporting(plan: ClusterPlan, metric: str) -> tuple[Workload, ...]:
    """List the services with a part that exports a metric; none where every service may."""
    parts = {f"tarmac_{part}" for part in signals.read()[metric].parts}
    return tuple(service for service in watched(plan) if parts & {*service.parts})


def services_of(plan: ClusterPlan, store: str) -> tuple[str, ...]:
    """List the services that use a store, by the edges that the model declares."""
    return tuple(dict.fromkeys(edge.source for edge in plan.allowed if edge.target == store))


def either(names: Iterable[str]) -> str:
    """Write a regular expression that is one of these."""
    return "|".join(names)


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
