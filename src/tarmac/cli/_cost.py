"""Prints what an environment costs; used by the verb `cost`."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from tarmac import rendering
from tarmac.cli import _project, _show
from tarmac.cost.catalogue import Prices, prices
from tarmac.cost.estimate import Estimate, estimate
from tarmac.cost.savings import Saving, savings
from tarmac.errors import BadInput, Problem
from tarmac.plan.cluster import ClusterPlan

DAYS = 365 / 12


def cost(file: Path, environment: str | None, budget: float | None, *, as_json: bool) -> int:
    """Estimate and print; returns the exit code.

    Raises:
        BadInput: the environment has no infrastructure, or a type has no price.
    """
    plan = rendering.make(file, environment, ()).plan
    if plan.cloud is None:
        what = "has no `infrastructure:`, so that nothing says what it runs on; add it"
        raise BadInput([Problem(f"{file}: environments.{plan.environment}", what)])
    known = prices()
    found = estimate(plan, plan.cloud, known)
    ways = list(savings(plan, plan.cloud, known, found))
    if as_json:
        _project.print_json(_as_data(plan, found, ways, known, budget))
    else:
        _print(plan, found, ways, known, budget)
    return int(budget is not None and found.month > budget)


def _print(
    plan: ClusterPlan, found: Estimate, ways: list[Saving], known: Prices, budget: float | None
) -> None:
    console = _show.open_console()
    console.print(_lines(found))
    console.print()
    console.print(_shares(found))
    total = f"{plan.system} {plan.environment}: {found.month:.2f} USD a month"
    click.echo(f"\n{total}, {found.month / DAYS:.2f} a day")
    for way in ways:
        click.echo(f"saves {way.month:8.2f}  {way.what}: {way.how}")
    if ways:
        saved = sum(way.month for way in ways)
        click.echo(
            f"all of them: {found.month - saved:.2f} USD, {100 * saved / found.month:.0f} % less"
        )
    for line in _remarks(plan, known):
        click.echo(f"note: {line}")
    if budget is not None:
        word = "within" if found.month <= budget else "over"
        click.echo(f"{word} the budget of {budget:.2f} USD a month")


def _lines(found: Estimate) -> Table:
    table = _show.columns(("WHAT", "OF"), ("USD/MONTH", "USD/DAY"))
    for line in found.lines:
        table.add_row(line.what, line.how, f"{line.month:.2f}", f"{line.month / DAYS:.2f}")
    return table


def _shares(found: Estimate) -> Table:
    table = _show.columns(("ON THE NODES",), ("PODS", "CORES", "GIB", "USD/MONTH"))
    for share in found.shares:
        figures = (f"{share.cpu:.2f}", f"{share.memory_gib:.2f}", f"{share.month:.2f}")
        table.add_row(share.name, str(share.pods), *figures)
    idle = f"{found.idle_month:.2f} ({100 * found.idle_share:.0f} %)"
    table.add_row("idle", "", "", "", idle)
    return table


def _remarks(plan: ClusterPlan, known: Prices) -> list[str]:
    rest = f"servers and the rest: {known.shared.why}, {known.shared.date}"
    remarks = [
        f"nodes: prices of {known.nodes.date}; {rest}",
        "not counted: traffic, requests to storage, logs, snapshots, tax and support",
    ]
    if plan.cloud is not None and plan.cloud.region != known.region:
        remarks.append(f"prices are {known.region}'s; those of {plan.cloud.region} differ")
    return remarks + known.old(dt.datetime.now(dt.UTC).date())


def _as_data(
    plan: ClusterPlan,
    found: Estimate,
    ways: list[Saving],
    known: Prices,
    budget: float | None,
) -> dict[str, Any]:
    return {
        "system": plan.system,
        "environment": plan.environment,
        "month": found.month,
        "day": found.month / DAYS,
        "budget": budget,
        "lines": [asdict(line) for line in found.lines],
        "shares": [asdict(share) for share in found.shares],
        "idle": {"month": found.idle_month, "share": found.idle_share},
        "savings": [asdict(way) for way in ways],
        "prices": {"region": known.region, "remarks": _remarks(plan, known)},
    }
