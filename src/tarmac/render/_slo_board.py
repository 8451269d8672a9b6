"""What is worth seeing of a service's promises: five panels for each service that has one."""

from __future__ import annotations

from tarmac.model.objective import Objective
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render._panels import GREEN, RED, YELLOW, Board, Panel, Query, Row
from tarmac.render._queries import USERS, by_class, errors, latency, quantile, where

#: Short, middle, long: two that agree are a burn, one alone is a peak or its echo.
WINDOWS = ("5m", "1h", "6h")
#: They spend 2 % of a month's budget in an hour, and 5 % in six (SRE Workbook, table 5-8).
FAST, SLOW = 14.4, 6.0


def slo_board(plan: ClusterPlan) -> Board:
    """Show how fast error budgets are spent, and on what."""
    promising = dict.fromkeys(each.service for each in plan.objectives)
    rows = tuple(_row(plan, plan.workload(name)) for name in promising)
    about = "What was promised, what is left of it, and what spends it."
    return Board("slo-overview", f"{plan.system} / SLO overview", about, rows)


def indicator(objective: Objective, window: str) -> str:
    """Name the recording rule of an objective's share of good requests."""
    name = (objective.name or objective.service).replace("-", "_")
    kind = "latency" if objective.availability is None else "availability"
    return f"slo:{name}_{kind}:ratio_rate{window}"


def burn(plan: ClusterPlan, objective: Objective, window: str) -> str:
    """Ask how many times faster than allowed the budget is spent; 1 uses it up on the last day."""
    percent = objective.percent if objective.availability is None else objective.availability
    good = f'{indicator(objective, window)}{{namespace="{plan.namespace}"}}'
    return f"(1 - {good}) / (1 - {percent / 100:.10g})"


def _row(plan: ClusterPlan, workload: Workload) -> Row:
    own = [each for each in plan.objectives if each.service == workload.name]
    first = next((each for each in own if each.availability is not None), own[0])
    of = "availability" if first.availability is not None else "latency"
    buckets = f"http_request_duration_seconds_bucket{where(plan, workload, USERS)}"
    promised, allowed = latency(plan, workload), 1 - (first.availability or 0) / 100
    return Row(
        workload.name,
        (
            Panel(
                "SLO burn rate",
                "short",
                tuple(Query(burn(plan, first, each), each) for each in WINDOWS),
                f"Of the budget for {of}: 1 uses it up at the end of its window, 14.4 takes 2 % of "
                "a month's in an hour.",
                marks={SLOW: YELLOW, FAST: RED},
            ),
            Panel(
                "Error budget remaining",
                "percentunit",
                (Query(f"slo:error_budget:remaining{where(plan, workload)}", "{{objective}}"),),
                "1 at no errors, 0 where as many requests fail as are allowed to.",
                kind="gauge",
                marks={0: RED, 0.1: YELLOW, 0.5: GREEN},
                most=1,
            ),
            Panel(
                "Request rate by status class",
                "reqps",
                by_class(plan, workload),
                "Without probes and scrapes.",
                stacked=True,
                width=8,
            ),
            Panel(
                "P99 latency",
                "s",
                (Query(quantile(0.99, buckets), "P99"),),
                "The line is the objective's time, within which fewer than all must be.",
                marks={promised: RED} if promised else None,
                width=8,
            ),
            Panel(
                "5xx error rate",
                "percentunit",
                (Query(errors(plan, workload), "5xx"),),
                "The share of requests that ended with 5xx; the line is what the objective allows.",
                marks={round(allowed, 10): RED} if first.availability is not None else None,
                width=8,
            ),
        ),
    )
