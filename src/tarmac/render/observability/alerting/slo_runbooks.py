"""Runbooks of the alerts on objectives: one page for each alert's name.

Several objectives may have an alert of the same name, as all have the one on how fast the budget
burns: their page has the diagnosis of each, under its objective.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tarmac.model.objective import ObjectiveAlert
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.alert import Runbook, Step
from tarmac.render.observability.alerting.slo_rules import BURN, measured
from tarmac.render.observability.alerting.subjects import either
from tarmac.slo.measured import MeasuredObjective


@dataclass(frozen=True)
class SloRunbook:
    """The page of an alert on objectives."""

    name: str
    severity: str
    head: tuple[str, ...]
    runbook: Runbook


def _diagnosis(plan: ClusterPlan, objective: MeasuredObjective) -> Iterator[Step]:
    """Yield where to look, for one objective."""
    service = objective.service
    own = f'namespace="{plan.namespace}",service="{service}"'
    if objective.kind == "latency":
        routes = "Slow routes"
        query = (
            "histogram_quantile(0.95, sum by (route, le) "
            f"(rate(http_request_duration_seconds_bucket{{{own}}}[5m])))"
        )
    else:
        routes = "Failing routes"
        query = f'sum by (route, status) (rate(http_requests_total{{{own},status=~"5.."}}[5m]))'
    below = tuple(
        edge.target
        for edge in plan.allowed
        if edge.source == service and edge.target_role != "external"
    )
    yield Step(f"{routes} of {service}", query, "promql")
    if below:
        firing = f'ALERTS{{alertstate="firing",service=~"{either(below)}"}}'
        yield Step(f"Firing alerts of the dependencies of {service}", firing, "promql")
    log = f"kubectl -n {plan.namespace} logs deploy/{service} --tail=100"
    yield Step(f"Log of {service}", log, "run")


def _runbook(
    plan: ClusterPlan, objectives: Sequence[MeasuredObjective], meaning: str, impact: str
) -> Runbook:
    if plan.settings.gitops:
        undo = "Revert its commit in the repository of rendered files; Argo CD applies that."
    else:
        undo = f"`kubectl -n {plan.namespace} rollout undo deployment/$SERVICE`."
    many = len(objectives) > 1
    return Runbook(
        meaning=meaning,
        impact=impact,
        diagnosis=(
            *(
                replace(step, show=f"{objective.name}: {step.show}") if many else step
                for objective in objectives
                for step in _diagnosis(plan, objective)
            ),
            Step(
                "Pods by start time: what changed in the last hours",
                f"kubectl -n {plan.namespace} get pods --sort-by=.status.startTime -o wide",
                "run",
            ),
        ),
        causes=(
            "A new version of the service or of a dependency: compare with the last rollout.",
            "A store or service that it depends on fails: follow that alert's runbook.",
            "More traffic than its pods can serve: ScaledToMost, CPU at its limit.",
        ),
        mitigation=(
            f"Roll a bad version back first, find the reason later. {undo}",
            "One route or client causes it: limit it at the gateway while the rest works.",
            "No improvement within 30 minutes: stop rollouts and escalate.",
        ),
        escalation="One incident has used up half of the budget, or users contact support.",
    )


def _listed(objectives: Sequence[MeasuredObjective]) -> tuple[str, ...]:
    """Write the head of a page: which objectives it is about, and how to tell them apart."""
    rows = [
        f"| `{found.name}` | {found.service} | {found.sentence} | `{found.recorded_ratio(300)}` |"
        for found in objectives
    ]
    services = tuple(dict.fromkeys(found.service for found in objectives))
    which = "" if len(services) == 1 else f"  # one of: {', '.join(services)}"
    return (
        "| Label `objective` | Service | Objective | Share of good requests |\n"
        "|---|---|---|---|\n" + "\n".join(rows) + "\n",
        f"Set the service from the alert's labels:\n\n```sh\nSERVICE={services[0]}{which}\n```\n",
    )


def slo_runbooks(plan: ClusterPlan) -> Iterator[SloRunbook]:
    """Yield the page of each alert on objectives, each once."""
    objectives = measured(plan)
    if not objectives:
        return
    yield SloRunbook(
        BURN,
        "critical or warning",
        _listed(objectives),
        _runbook(
            plan,
            objectives,
            "Requests fail or are slow so fast that the error budget will be gone before its "
            "window ends. A burn rate of 1 uses it up exactly at the end; 14.4 for an hour costs "
            "2 % of 30 days (SRE workbook, chapter 5). Critical: act now. Warning: today.",
            "Users, now: the share of bad requests is theirs.",
        ),
    )
    by_name: dict[str, list[tuple[MeasuredObjective, ObjectiveAlert]]] = {}
    for objective in objectives:
        for alert in objective.alerts:
            by_name.setdefault(alert.name, []).append((objective, alert))
    for name, alerts in by_name.items():
        if name != BURN:
            yield _own(plan, name, alerts)


def _own(
    plan: ClusterPlan, name: str, alerts: Sequence[tuple[MeasuredObjective, ObjectiveAlert]]
) -> SloRunbook:
    objectives = [objective for objective, _ in alerts]
    return SloRunbook(
        name,
        " or ".join(sorted({alert.severity for _, alert in alerts})),
        _listed(objectives),
        _runbook(
            plan,
            objectives,
            " ".join(_condition(objective, alert) for objective, alert in alerts),
            " ".join(dict.fromkeys(_impact(objective, alert) for objective, alert in alerts)),
        ),
    )


def _condition(objective: MeasuredObjective, alert: ObjectiveAlert) -> str:
    over, lasting = f"{alert.over / 60:g} minutes", f"for {alert.for_ / 60:g} minutes"
    if alert.of == "budget":
        return (
            f"Less than {alert.below:.0%} of the error budget of {objective.service} is left, "
            f"measured over {over}, {lasting}."
        )
    good = "fast enough" if objective.kind == "latency" else "without a 5xx"
    return (
        f"Less than {alert.below * 100:g} % of the requests to {objective.service} were {good}, "
        f"measured over {over}, {lasting}."
    )


def _impact(objective: MeasuredObjective, alert: ObjectiveAlert) -> str:
    if alert.of == "budget":
        return "Past: the rest of the budget is too small for another incident or a risky rollout."
    if objective.kind == "latency":
        return "Users wait too long, now."
    return "Users see errors, now."
