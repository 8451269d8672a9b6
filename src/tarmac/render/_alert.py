"""What an alert is, as data; the rule, the unit test and the links that are made of one.

The alerts themselves are in `_alerts*.py`, by what they watch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac import signals
from tarmac.model.observability import Severity
from tarmac.model.value import duration
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render import _promtool
from tarmac.render._links import UID, board_url, runbook_url, whole

#: Minutes of each trial before anything is wrong, of what is wrong beyond the moment when it
#: fires, and after it.
BEFORE_M, BEYOND_M, AFTER_M = 10, 3, 1
#: The dashboard of the whole system.
OVERVIEW = "overview"
#: What Prometheus puts in: a label of the series, or the value in some form.
LABEL = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
VALUE = re.compile(r"\{\{ \$value \| \w+ \}\}")


@dataclass(frozen=True)
class Line:
    """One series of a trial: its value in each minute, nan where there is none.

    Of a counter: how much is added in each.
    """

    series: str
    #: While all is well.
    fine: float
    #: While it is not.
    bad: float | None = None
    #: Just not bad enough.
    edge: float | None = None
    counter: bool = False


@dataclass(frozen=True)
class Trial:
    """How an alert is tried: series with which it fires, and those with which it must not."""

    lines: tuple[Line, ...]
    #: The labels that its series has besides those that the rule gives.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: The value as the annotations show it.
    shown: str = ""
    #: Minutes until the expression sees what is wrong, and until it no longer does.
    late_m: int = 0
    lasts_m: int = 0
    #: Minutes of history that the expression looks back on.
    before_m: int = BEFORE_M


@dataclass(frozen=True)
class Book:
    """What a person needs to know who is woken by it."""

    means: str
    hurts: str
    #: What to look at first: what it shows, and the command or query.
    look: tuple[tuple[str, str], ...]
    causes: tuple[str, ...]
    cure: tuple[str, ...]
    escalate: str


@dataclass(frozen=True)
class Alert:
    """One alert of one system in one environment."""

    name: str
    severity: Severity
    expr: str
    #: Minutes for which it must be so.
    for_m: int
    summary: str
    description: str
    book: Book
    trial: Trial
    #: Who has it, where the expression's own label does not say so.
    service: str = ""
    #: It may be a store's, which has no dashboard of its own.
    overview: bool = False


def dashboard_url(plan: ClusterPlan, alert: Alert) -> str:
    """Say where an alert's dashboard is seen: its service's, or the system's.

    Where the series says whose alert it is, its label stands in the address; a name that is too
    long for that has another uid, so all of them are led to the system's.
    """
    names = [each.name for each in watched(plan)]
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
    return tuple(each for each in plan.services if each.metrics is not None)


def exporting(plan: ClusterPlan, metric: str) -> tuple[Workload, ...]:
    """List the services that have a metric; one that some parts have, only those with such a part.

    None where all may have it: then it is for others to say which do.
    """
    parts = {f"tarmac_{each}" for each in signals.read()[metric].parts}
    return tuple(each for each in watched(plan) if parts & {*each.parts})


def services_of(plan: ClusterPlan, store: str) -> tuple[str, ...]:
    """List the services that use a store, by the edges that the model declares."""
    return tuple(dict.fromkeys(each.source for each in plan.allowed if each.target == store))


def either(names: Iterator[str] | tuple[str, ...]) -> str:
    """Write a regular expression that is one of these."""
    return "|".join(names)


def labels(plan: ClusterPlan, alert: Alert) -> dict[str, str]:
    """List the labels that the rule gives."""
    own = {"service": alert.service} if alert.service else {}
    return {"severity": alert.severity, "team": plan.owner, "namespace": plan.namespace, **own}


def told(plan: ClusterPlan, alert: Alert) -> dict[str, str]:
    """List what a reader is told."""
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
        "annotations": told(plan, alert),
    }


def minutes(many: int) -> str:
    """Write minutes as such, however many they are: `70m` beside `60m`."""
    return duration(60 * many, "m")


def _expanded(text: str, given: Mapping[str, str], shown: str) -> str:
    """Put in what Prometheus would, so that a test knows what is told."""
    return VALUE.sub(lambda _: shown, LABEL.sub(lambda found: given.get(found[1], ""), text))


def _series(line: Line, *parts: tuple[float, int]) -> dict[str, str]:
    """Write a series' values, one for each minute."""
    stretches = tuple(_promtool.Part(*each) for each in parts)
    given = _promtool.Line(line.series, stretches, counter=line.counter, late=True)
    return {"series": line.series, "values": _promtool.values(given)}


def tests(plan: ClusterPlan, alert: Alert) -> Iterator[dict[str, Any]]:
    """Write the unit tests of a rule: it fires at its minute and clears, and else is silent."""
    trial = alert.trial
    fires_m = trial.before_m + trial.late_m + alert.for_m
    ill_m = trial.late_m + alert.for_m + BEYOND_M
    clear_m = trial.before_m + ill_m + trial.lasts_m
    given = {**trial.labels, **labels(plan, alert)}
    expected = {
        name: _expanded(text, given, trial.shown) for name, text in told(plan, alert).items()
    }
    fired = {"exp_labels": given, "exp_annotations": expected}

    def at(minute: int, *expected: dict[str, Any]) -> dict[str, Any]:
        return {"eval_time": minutes(minute), "alertname": alert.name, "exp_alerts": list(expected)}

    name = f"{alert.name} of {given.get('service', plan.system)}"
    yield {
        "name": f"{name} fires after {alert.for_m} minutes and clears",
        "interval": "1m",
        "input_series": [
            _series(
                line,
                (line.fine, trial.before_m),
                (line.fine if line.bad is None else line.bad, ill_m),
                (line.fine, trial.lasts_m + AFTER_M),
            )
            for line in trial.lines
        ],
        "alert_rule_test": [
            at(fires_m - 1),
            at(fires_m, fired),
            at(clear_m),
        ],
    }
    yield {
        "name": f"{name} is silent below its threshold",
        "interval": "1m",
        "input_series": [
            _series(line, (line.fine if line.edge is None else line.edge, fires_m + BEYOND_M))
            for line in trial.lines
        ],
        "alert_rule_test": [at(fires_m), at(fires_m + BEYOND_M - 1)],
    }
