"""An alert of one environment, made of an item of a file of data and of values of the plan."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.indicator import USERS
from tarmac.render import texts
from tarmac.render.observability.alerting.alert import (
    Alert,
    InputSeries,
    Language,
    RuleTest,
    Runbook,
    Step,
)
from tarmac.render.texts import Values

LANGUAGES: tuple[Language, ...] = ("run", "promql", "sql", "see")


def filled_alert(
    plan: ClusterPlan, file: Traversable, item: dict[str, Any], values: Values
) -> Alert:
    """Make an alert of an item of a file, with these values beside those that all alerts have."""
    of_plan = {
        "namespace": plan.namespace,
        "system": plan.system,
        "users": USERS,
        "undo": _undo(plan),
    }
    given = texts.filled(item, {**of_plan, **values}, f"{file.name}: {item['alert']}")
    return Alert(
        name=given["alert"],
        severity=given["severity"],
        expr=_expression(given["expr"]),
        for_m=given["for_m"],
        summary=given["summary"],
        description=given["description"],
        runbook=runbook(given["runbook"]),
        test=_test(given["test"]),
        service=given.get("service", ""),
        overview=given.get("overview", False),
    )


def _undo(plan: ClusterPlan) -> str:
    """Write how to roll a new version back: in Git, if Argo CD would undo anything else."""
    since = "A version that was deployed in the last hour: "
    if plan.settings.gitops:
        return (
            f"{since}revert its commit in the repository of rendered files; Argo CD applies that. "
            "It would revert `kubectl rollout undo`."
        )
    return f"{since}`kubectl -n {plan.namespace} rollout undo deployment/$SERVICE`."


def _expression(expr: str | list[str]) -> str:
    """Write one expression, or that any of several holds."""
    several = [expr] if isinstance(expr, str) else expr
    return several[0] if len(several) == 1 else " or ".join(f"({part})" for part in several)


def runbook(given: dict[str, Any]) -> Runbook:
    """Make a runbook of what a file has under `runbook`, filled in."""
    steps = (
        Step(step["show"], step[language], language)
        for step in given["diagnosis"]
        for language in LANGUAGES
        if language in step
    )
    return Runbook(
        meaning=given["meaning"],
        impact=given["impact"],
        diagnosis=tuple(steps),
        causes=tuple(given["causes"]),
        mitigation=tuple(given["mitigation"]),
        escalation=given["escalation"],
    )


def _test(given: dict[str, Any]) -> RuleTest:
    series = tuple(
        InputSeries(
            series=line["series"],
            fine=float(line["fine"]),
            bad=None if line.get("bad") is None else float(line["bad"]),
            edge=None if line.get("edge") is None else float(line["edge"]),
            counter=line.get("counter", False),
        )
        for line in given["series"]
    )
    return RuleTest(
        series=series,
        labels=given.get("labels", {}),
        shown=given.get("shown", ""),
        late_m=given.get("late_m", 0),
        lasts_m=given.get("lasts_m", 0),
        before_m=given.get("before_m"),
    )
