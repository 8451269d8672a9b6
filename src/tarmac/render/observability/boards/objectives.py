"""The dashboard of the objectives: five panels for each service that has one."""

from __future__ import annotations

from tarmac.base.written import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.slo.measured import ALWAYS_S, MeasuredObjective
from tarmac.render.observability.alerting.slo_rules import BOARD, measured
from tarmac.render.observability.boards.panels import Board, Row
from tarmac.render.observability.boards.queries import latency
from tarmac.render.observability.boards.read import FOLDER, one, rows
from tarmac.render.texts import Value


def slo_board(plan: ClusterPlan) -> Board | None:
    """Show how fast error budgets are spent, and on what; None without a measured objective."""
    by_service: dict[str, list[MeasuredObjective]] = {}
    for objective in measured(plan):
        by_service.setdefault(objective.service, []).append(objective)
    found = tuple(row for objectives in by_service.values() for row in _rows(plan, objectives))
    about = "The objectives, the rest of their error budgets, and what spends them."
    return Board(BOARD, f"{plan.system} / SLO overview", about, found) if found else None


def _rows(plan: ClusterPlan, objectives: list[MeasuredObjective]) -> tuple[Row, ...]:
    first = next((found for found in objectives if found.kind == "availability"), objectives[0])
    allowed = first.budget if first.kind == "availability" else None
    values: dict[str, Value] = {
        "namespace": plan.namespace,
        "service": first.service,
        "kind": first.kind,
        # Short, middle, long: two that agree are a burn, one alone is a peak or its echo.
        "burns": tuple(
            {"burn": first.burn(window), "over": duration(window)} for window in ALWAYS_S
        ),
        "latency": one("latency_s", latency(plan, plan.workload(first.service))),
        "allowed": one("budget", allowed),
    }
    return rows(FOLDER / "slo.yaml", values)
