"""The rules of objectives: what is recorded of each, and when somebody is told.

A rule gives the share of good requests. Where nobody asked it is 1, since no promise was broken:
the divisor is never nought, so no NaN spreads and nobody is woken. Where nothing is measured there
is no value at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.model.objective import Objective
from tarmac.model.value import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.render._links import board_url, runbook_url
from tarmac.render._promtool import number
from tarmac.slo import budget, indicator

BURN = "ErrorBudgetBurn"
BOARD = "slo-overview"
#: What probes and Prometheus itself ask is nobody's request.
USERS = 'route!~"/health(/.*)?|/metrics"'
#: A request in thirty years: no window can measure so few, and nothing is divided by nought.
LEAST = "1e-9"
#: Recorded for every objective, for dashboards: short, middle, long.
ALWAYS_S = (5 * 60, 3600, 6 * 3600)
#: From here on a window is summed up from what was recorded, and not from every pod's counters.
FOLDED_S = 86400


@dataclass(frozen=True)
class Promise:
    """An objective whose service is measured, with what its rules say."""

    objective: Objective
    namespace: str
    #: `api_availability`.
    name: str
    #: The share of requests that may be bad.
    budget: float
    #: The bound of a request that is fast enough; None for availability.
    bound: float | None

    @property
    def service(self) -> str:
        """Whose promise it is."""
        return self.objective.service

    @property
    def labels(self) -> dict[str, str]:
        """What each of its recorded series has."""
        return {"namespace": self.namespace, "service": self.service, "objective": self.name}

    def series(self, metric: str, *more: str) -> str:
        """Select what the service's users asked for."""
        own = (f'namespace="{self.namespace}"', f'service="{self.service}"', USERS, *more)
        return f"{metric}{{{','.join(own)}}}"

    def recorded(self, what: str) -> str:
        """Select what is recorded of it: `slo:api_availability:ratio_rate5m{namespace="..."}`."""
        return f'slo:{self.name}:{what}{{namespace="{self.namespace}"}}'

    @property
    def lost(self) -> str:
        """Say what a bad request is, for a person."""
        return "failed" if self.bound is None else f"took longer than {number(self.bound)} s"

    @property
    def said(self) -> str:
        """Say what is promised, for a person."""
        good = "without a 5xx" if self.bound is None else f"within {number(self.bound)} s"
        share = number(100 * budget.target(self.objective))
        return f"{share} % of requests {good} over {duration(self.objective.window)}"


@dataclass(frozen=True)
class Told:
    """An alert on a promise: it is so while the bad share is above, in each of the windows."""

    name: str
    promise: Promise
    severity: str
    team: str
    expr: str
    #: Window in seconds -> the bad share above which it is so.
    above: Mapping[int, float]
    for_s: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    #: Its value is what is left of the budget, and not the share of good requests.
    of_budget: bool = False

    @property
    def rule(self) -> dict[str, Any]:
        """Write it as a rule."""
        pending = {"for": duration(self.for_s)} if self.for_s else {}
        return {
            "alert": self.name,
            "expr": self.expr,
            **pending,
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
        }


def promises(plan: ClusterPlan) -> tuple[Promise, ...]:
    """List the objectives that can be measured; OBS002 says what is wrong with any other."""
    measured = {each.name for each in plan.services if each.metrics is not None}
    found = []
    for each in plan.objectives:
        wanted = each.latency
        bound = None if wanted is None else indicator.bound(wanted, indicator.buckets())
        if each.service in measured and (bound is not None) == (wanted is not None):
            allowed = budget.budget(each)
            found.append(Promise(each, plan.namespace, indicator.name(each), allowed, bound))
    return tuple(found)


def pairs(promise: Promise) -> tuple[budget.Pair, ...]:
    """List the pairs of windows that can ever burn as fast as their factor says."""
    every = budget.pairs(promise.objective.window)
    return tuple(each for each in every if budget.can_fire(each, promise.budget))


def budgets_s(promise: Promise) -> tuple[int, ...]:
    """List the times over which it is recorded what is left of the budget."""
    asked = [round(a.over) for a in promise.objective.alerts if a.of == "budget"]
    return tuple(dict.fromkeys(asked or [round(promise.objective.window)]))


def windows_s(promise: Promise) -> tuple[int, ...]:
    """List the windows that are recorded, the shortest first."""
    of_pairs = [w for pair in pairs(promise) for w in (pair.long_s, pair.short_s)]
    of_alerts = [round(each.over) for each in promise.objective.alerts]
    return tuple(sorted({*ALWAYS_S, *of_pairs, *of_alerts, *budgets_s(promise)}))


def _requests(promise: Promise, window: str) -> str:
    metric = indicator.REQUESTS if promise.bound is None else f"{indicator.DURATION}_count"
    return f"sum(rate({promise.series(metric)}[{window}]))"


def _bad(promise: Promise, window: str) -> str:
    """Write the rate of bad requests; one that fails no request has no such series at all."""
    if promise.bound is None:
        failed = promise.series(indicator.REQUESTS, f'status=~"{indicator.FAILED}"')
        return f"(sum(rate({failed}[{window}])) or vector(0))"
    fast = promise.series(f"{indicator.DURATION}_bucket", f'le="{indicator.le(promise.bound)}"')
    return f"({_requests(promise, window)} - sum(rate({fast}[{window}])))"


def _ratio(promise: Promise, window_s: int) -> str:
    window = duration(window_s)
    if window_s < FOLDED_S:
        bad, every = _bad(promise, window), _requests(promise, window)
    else:
        bad, every = (
            f"sum_over_time({promise.recorded(f'{what}_rate5m')}[{window}])"
            for what in ("bad", "requests")
        )
    return f"1 - {bad} / clamp_min({every}, {LEAST})"


def recordings(promise: Promise) -> list[dict[str, Any]]:
    """Write what is recorded of a promise."""

    def rule(name: str, expr: str, **more: str) -> dict[str, Any]:
        return {"record": name, "expr": expr, "labels": {**promise.labels, **more}}

    # Not one without the other: nought bad of nothing measured is no measurement.
    bad = f"{_bad(promise, '5m')} and {_requests(promise, '5m')}"
    found = [
        rule(f"slo:{promise.name}:bad_rate5m", bad),
        rule(f"slo:{promise.name}:requests_rate5m", _requests(promise, "5m")),
    ]
    found += [
        rule(f"slo:{promise.name}:ratio_rate{duration(each)}", _ratio(promise, each))
        for each in windows_s(promise)
    ]
    for each in budgets_s(promise):
        used = f"(1 - {promise.recorded(f'ratio_rate{duration(each)}')})"
        expr = f"1 - {used} / {number(promise.budget)}"
        found.append(rule("slo:error_budget:remaining", expr, window=duration(each)))
    return found


def _told(plan: ClusterPlan, name: str, **said: str) -> dict[str, str]:
    return {
        **said,
        "runbook_url": runbook_url(plan, name),
        "dashboard_url": board_url(plan, BOARD),
    }


def burns(plan: ClusterPlan, promise: Promise) -> list[Told]:
    """Make the alerts on how fast the budget burns, one for each pair of windows."""
    found = []
    for pair in pairs(promise):
        above = f"{number(pair.factor)} * {number(promise.budget)}"
        long, short = duration(pair.long_s), duration(pair.short_s)
        ratios = [promise.recorded(f"ratio_rate{each}") for each in (long, short)]
        many = f"{number(pair.factor)} times as fast as allowed"
        spent = f"{number(100 * pair.spent)} % of what {duration(promise.objective.window)} allow"
        # One that is used up exactly at the end is told of because nothing may be left over.
        fast = "faster than allowed" if pair.factor == 1 else f"more than {many}"
        annotations = _told(
            plan,
            BURN,
            summary=f"{promise.service} uses up its error budget {fast}",
            description=f"So many requests {promise.lost} in {long} that {spent} went, and in the "
            f"last {short} it goes on. Promised: {promise.said}.",
        )
        labels = {
            "severity": pair.severity,
            "team": plan.owner,
            "service": promise.service,
            "objective": promise.name,
            "long_window": long,
            "short_window": short,
        }
        share = budget.threshold(pair, promise.budget)
        found.append(
            Told(
                BURN,
                promise,
                pair.severity,
                plan.owner,
                " and ".join(f"1 - {each} > {above}" for each in ratios),
                {pair.long_s: share, pair.short_s: share},
                0,
                labels,
                annotations,
            )
        )
    return found


def own(plan: ClusterPlan, promise: Promise) -> list[Told]:
    """Make the alerts that the objective itself asks for."""
    found = []
    for each in promise.objective.alerts:
        over, team = duration(each.over), each.team or plan.owner
        of_budget = each.of == "budget"
        series = promise.recorded(f"ratio_rate{over}")
        if of_budget:
            series = f"slo:error_budget:remaining{{{_selected(promise, over)}}}"
            summary = f"{promise.service}'s error budget is nearly used up"
            description = f"{{{{ $value | humanizePercentage }}}} is left of what {over} allows"
            above = promise.budget * (1 - each.below)
        else:
            summary = f"{promise.service}: too many requests {promise.lost}"
            description = f"{{{{ $value | humanizePercentage }}}} of requests in {over} were good"
            above = 1 - each.below
        annotations = _told(
            plan,
            each.name,
            summary=summary,
            description=f"{description}, less than {number(100 * each.below)} % for "
            f"{duration(each.for_)}. Promised: {promise.said}.",
        )
        labels = {
            "severity": each.severity,
            "team": team,
            "service": promise.service,
            "objective": promise.name,
        }
        expr = f"{series} < {number(each.below)}"
        above_by = {round(each.over): round(above, 12)}
        found.append(
            Told(
                each.name, promise, each.severity, team, expr, above_by, each.for_, labels,
                annotations, of_budget,
            )
        )  # fmt: skip
    return found


def _selected(promise: Promise, window: str) -> str:
    given = {"namespace": promise.namespace, "objective": promise.name, "window": window}
    return ",".join(f'{name}="{value}"' for name, value in given.items())
