"""Runbooks of the alerts on objectives: one page for each alert's name.

Several objectives may have an alert of the same name, as all have the one on how fast the budget
burns: their page has the diagnosis of each, under its objective.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tarmac.model.objective import ObjectiveAlert
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render.observability.alerting import slo_texts
from tarmac.render.observability.alerting.alert import Runbook
from tarmac.render.observability.alerting.slo_rules import BURN, measured


@dataclass(frozen=True)
class SloRunbook:
    """The page of an alert on objectives."""

    name: str
    severity: str
    head: tuple[str, ...]
    runbook: Runbook


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
    burn = slo_texts.burning()
    yield SloRunbook(
        BURN,
        "critical or warning",
        _listed(objectives),
        slo_texts.page(plan, objectives, burn["meaning"], burn["impact"]),
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
    told = [slo_texts.meaning(objective, alert) for objective, alert in alerts]
    meant = " ".join(found["meaning"] for found in told)
    impact = " ".join(dict.fromkeys(found["impact"] for found in told))
    return SloRunbook(
        name,
        " or ".join(sorted({alert.severity for _, alert in alerts})),
        _listed(objectives),
        slo_texts.page(plan, objectives, meant, impact),
    )
