"""Prints what an environment costs; used by the verb `cost`."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from tarmac.base import figures
from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.change.cost.catalogue import Prices, prices
from tarmac.change.cost.estimate import Estimate, estimate
from tarmac.change.cost.savings import Saving, Takes, savings
from tarmac.change.cost.sizing import SizeAdvice, Usage, size_advice, with_advice
from tarmac.check.verify import memory
from tarmac.cli.output import printing, terminal
from tarmac.cli.output.waiting import waiting
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import in_memory
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import activity

DAYS = 365 / 12
#: What is printed above the ways that take something.
HEADINGS: Mapping[Takes, str] = {
    "nothing": "",
    "commitment": "and with a commitment for a year:",
    "less": "not counted, as the system would have less:",
}


@dataclass(frozen=True)
class Measurement:
    """What services of a running copy used for some time."""

    seconds: float
    services: Mapping[str, Usage]
    #: Requests of a second, to all of them.
    requests_per_s: float


def measured(home: Home, seconds: float) -> Measurement:
    """Measure the services of a running copy. Raises TarmacError where it ended meanwhile."""
    before = activity.observe(home)
    with waiting(f"measuring for {seconds:g} s"):
        time.sleep(seconds)
    now = activity.observe(home)
    if before is None or now is None or not now.status.running:
        raise TarmacError(f"{home.root}: it ended while it was measured; `tarmac up` starts it")
    found = [one for one in activity.activities(before, now) if one.role == "service"]
    return Measurement(
        seconds,
        {
            one.name: Usage(
                one.cpu_share / len(one.nodes),
                # In a container a process shares nothing; elsewhere than on Linux it is not known.
                max([memory.of_tree(n.pid) for n in one.nodes if n.pid], default=0.0)
                or float(one.memory_bytes or 0),
            )
            for one in found
            if one.cpu_share is not None
        },
        sum(one.rates.requests_per_s or 0.0 for one in found),
    )


def cost(
    file: Path,
    environment: str | None,
    budget: float | None,
    used: Measurement | None = None,
    *,
    as_json: bool,
) -> int:
    """Estimate and print; returns the exit code.

    Args:
        used: what was measured; None: no sizes are advised.

    Raises:
        BadInput: the environment has no infrastructure, or a type has no price.
    """
    with waiting("rendering"):
        plan = in_memory.make(file, environment, ()).plan
    if plan.cloud is None:
        what = "has no `infrastructure:`, so its servers and their prices are unknown; add it"
        if first := plan.settings.standby_of:
            what = f"is made with {first}, and a second region has no estimate; ask for {first}"
        raise BadInput([Problem(f"{file}: environments.{plan.environment}", what)])
    known = prices()
    found = estimate(plan, plan.cloud, known)
    sizes = list(size_advice(plan, found, used.services)) if used else []
    # With the advice fewer nodes hold the same pods.
    ways = list(savings(plan, plan.cloud, known, with_advice(found, sizes)))
    if as_json:
        data = _as_data(plan, found, ways, known, budget)
        if used:
            data["sizes"] = [{**asdict(one), "write": one.text} for one in sizes]
            data["measured"] = {"seconds": used.seconds, "requests_per_s": used.requests_per_s}
        terminal.print_json(data)
    else:
        _print(plan, found, ways, known, budget)
        if used:
            _print_sizes(sizes, used)
    return int(budget is not None and found.month > budget)


def _print(
    plan: ClusterPlan, found: Estimate, ways: list[Saving], known: Prices, budget: float | None
) -> None:
    console = printing.open_console()
    console.print(_lines(found))
    console.print()
    console.print(_shares(found))
    total = f"{plan.system} {plan.environment}: {figures.number(found.month, 2)} USD a month"
    click.echo(f"\n{total}, {figures.number(found.month / DAYS, 2)} a day")
    _print_ways(ways, found.month)
    for line in _remarks(plan, known):
        click.echo(f"note: {line}")
    if budget is not None:
        word = "within" if found.month <= budget else "over"
        click.echo(f"{word} the budget of {figures.number(budget, 2)} USD a month")


def _print_ways(ways: list[Saving], month: float) -> None:
    """Print the ways to pay less by what they take; each total is of all up to there."""
    saved = 0.0
    for takes, heading in HEADINGS.items():
        own = [way for way in ways if way.takes == takes]
        if own and heading:
            click.echo(heading)
        for way in own:
            click.echo(f"saves {figures.number(way.month, 2):>8}  {way.what}: {way.how}")
        if own and takes != "less":
            saved += sum(way.month for way in own)
            left, less = figures.number(month - saved, 2), figures.percent(saved / month)
            click.echo(f"with all of these: {left} USD, {less} less")


def _print_sizes(sizes: list[SizeAdvice], used: Measurement) -> None:
    table = printing.columns(("SERVICE", "SPOT"), ("PODS", "CORES", "USED", "MIB", "USED", "SAVES"))
    for one in sizes:
        table.add_row(
            one.name,
            "yes" if one.spot else "no",
            str(one.pods),
            figures.number(one.requested.cpu, 2),
            figures.number(one.used.cpu, 2),
            figures.number(one.requested.memory_mib),
            figures.number(one.used.memory_mib),
            figures.number(one.saved, 2),
        )
    rate = figures.number(used.requests_per_s, 1)
    click.echo(f"\nmeasured for {used.seconds:g} s at {rate} requests per second")
    printing.open_console().print(table)
    for one in sizes:
        raised = ", and raise its limit of memory" if one.limited else ""
        click.echo(f"advice: {one.name}: write requests: {one.text}{raised}")
    saved = figures.number(sum(one.saved for one in sizes), 2)
    click.echo(f"all of them: {saved} USD a month of the nodes' cost; counted in the ways above")
    click.echo(
        "note: under less load than production's the cores are too few: measure beside a load"
    )


def _lines(found: Estimate) -> Table:
    table = printing.columns(("WHAT", "OF"), ("USD/MONTH", "USD/DAY"))
    for line in found.lines:
        a_month, a_day = figures.number(line.month, 2), figures.number(line.month / DAYS, 2)
        table.add_row(line.what, line.how, a_month, a_day)
    return table


def _shares(found: Estimate) -> Table:
    table = printing.columns(("ON THE NODES",), ("PODS", "CORES", "GIB", "USD/MONTH"))
    for share in found.shares:
        numbers = (
            figures.number(share.cpu, 2),
            figures.number(share.memory_gib, 2),
            figures.number(share.month, 2),
        )
        table.add_row(share.name, str(share.pods), *numbers)
    idle = f"{figures.number(found.idle_month, 2)} ({figures.percent(found.idle_share)})"
    table.add_row("idle", "", "", "", idle)
    return table


def _remarks(plan: ClusterPlan, known: Prices) -> list[str]:
    rest = f"servers and the rest: {known.shared.why}, {known.shared.date}"
    remarks = [
        f"nodes: prices of {known.nodes.date}; {rest}",
        f"commitments, {known.reserved.date}: {known.reserved.why}",
        (
            "not counted: traffic, requests to storage, logs, snapshots, DNS, CDN and its "
            "firewall, a second region, tax and support"
        ),
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
