"""Texts of the runbooks of alerts on objectives, from assets/observability/slo_runbooks.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tarmac.model.objective import ObjectiveAlert
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render import texts
from tarmac.render.assets import asset
from tarmac.render.observability.alerting.alert import Runbook
from tarmac.render.observability.alerting.alert_data import runbook
from tarmac.render.observability.alerting.subjects import either
from tarmac.render.texts import Value, given

#: Its texts, and where to look.
FILE = "observability/slo_runbooks.yaml"


def burning() -> Mapping[str, str]:
    """Give the meaning and the impact of a budget that burns too fast."""
    found: Mapping[str, str] = _data()["meanings"]["burn"]
    return found


def meaning(objective: MeasuredObjective, alert: ObjectiveAlert) -> Mapping[str, str]:
    """Fill in the meaning and the impact of an alert that an objective declares."""
    of_budget = alert.of == "budget"
    values = {
        "service": objective.service,
        "below": f"{alert.below:.0%}" if of_budget else f"{alert.below * 100:g} %",
        "over": f"{alert.over / 60:g}",
        "lasting": f"{alert.for_ / 60:g}",
    }
    of = "budget" if of_budget else objective.kind
    found: Mapping[str, str] = texts.filled(_data()["meanings"][of], values, FILE)
    return found


def page(
    plan: ClusterPlan, objectives: Sequence[MeasuredObjective], meant: str, impact: str
) -> Runbook:
    """Fill in the page of an alert on these objectives, with where to look for each."""
    values: dict[str, Value] = {
        "namespace": plan.namespace,
        "followed": given(plan.settings.gitops),
        "deployed": given(not plan.settings.gitops),
    }
    every = texts.filled(_data()["page"], values, FILE)
    many = len(objectives) > 1
    own = [step for objective in objectives for step in _diagnosis(plan, objective, many)]
    diagnosis = [*own, *every["diagnosis"]]
    return runbook({**every, "meaning": meant, "impact": impact, "diagnosis": diagnosis})


def _diagnosis(plan: ClusterPlan, objective: MeasuredObjective, many: bool) -> list[dict[str, str]]:
    """List where to look, for one objective of a page."""
    service = objective.service
    below = [
        edge.target
        for edge in plan.allowed
        if edge.source == service and edge.target_role != "external"
    ]
    values: dict[str, Value] = {
        "of": f"{objective.name}: " if many else "",
        "namespace": plan.namespace,
        "service": service,
        "latency": given(objective.kind == "latency"),
        "availability": given(objective.kind == "availability"),
        "dependencies": ({"below": either(below)},) if below else (),
    }
    found: list[dict[str, str]] = texts.filled(_data()["steps"], values, FILE)
    return found


def _data() -> dict[str, Any]:
    data: dict[str, Any] = texts.parsed(asset(FILE))
    return data
