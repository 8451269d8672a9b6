"""An objective at one moment, from counted requests: its share, its budget, its alerts.

The same mathematics as the rendered rules, for numbers that are there instead of a Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tarmac.plan.slo import budget, indicator

if TYPE_CHECKING:
    from tarmac.model.observability import Severity
    from tarmac.plan.slo.measured import MeasuredObjective

State = Literal["inactive", "pending", "firing"]
#: An alert that has to hold for some time is looked at so often within it.
STEP_S = budget.MINUTE_S


@dataclass(frozen=True)
class Counts:
    """Requests in some window."""

    requests: float
    bad: float

    @property
    def bad_share(self) -> float:
        """The share of bad ones; 0 without a request, since nothing failed."""
        return self.bad / self.requests if self.requests > 0 else 0.0


#: Counts requests in a window of so many seconds that ended so many seconds ago.
Count = Callable[[float, float], Counts]


@dataclass(frozen=True)
class Selection:
    """Series of one metric of a service, by their labels."""

    metric: str
    wanted: Callable[[Mapping[str, str]], bool]


@dataclass(frozen=True)
class LiveAlert:
    """One alert of an objective, and whether it would fire."""

    name: str
    severity: Severity
    #: What it looks at: window in seconds -> how many times too fast the budget burnt in it.
    burns: Mapping[int, float]
    #: From this burn rate on, in each window.
    factor: float
    state: State
    #: Its window has fewer requests than the objective asks for.
    too_few: bool = False


@dataclass(frozen=True)
class LiveObjective:
    """One objective now."""

    name: str
    service: str
    sentence: str
    target: float
    window_s: float
    counts: Counts
    #: What is left of the error budget of its window: 1 with nothing bad, below 0 when overspent.
    budget_left: float
    alerts: tuple[LiveAlert, ...]

    @property
    def good_share(self) -> float | None:
        """The share of good requests; None without a request."""
        return 1 - self.counts.bad_share if self.counts.requests > 0 else None

    @property
    def burns(self) -> bool:
        """Whether any of its alerts fires."""
        return any(alert.state == "firing" for alert in self.alerts)


def requests(objective: MeasuredObjective) -> Selection:
    """Select what counts all requests of an objective."""
    of_latency = objective.bound_s is not None
    metric = f"{indicator.DURATION}_count" if of_latency else indicator.REQUESTS
    return Selection(metric, indicator.is_counted)


def good(objective: MeasuredObjective) -> Selection:
    """Select what counts its good requests."""
    if objective.bound_s is None:
        return Selection(
            indicator.REQUESTS,
            lambda labels: indicator.is_counted(labels) and not indicator.is_failed(labels),
        )
    bound = objective.bound_s
    return Selection(
        f"{indicator.DURATION}_bucket",
        lambda labels: indicator.is_counted(labels) and float(labels["le"]) == bound,
    )


def judge(objective: MeasuredObjective, count: Count) -> LiveObjective:
    """Look at an objective now, and at what its alerts need of the past."""
    within = count(objective.window_s, 0)
    return LiveObjective(
        name=objective.name,
        service=objective.service,
        sentence=objective.sentence,
        target=objective.target,
        window_s=objective.window_s,
        counts=within,
        budget_left=budget.remaining(within.bad_share, objective.budget),
        alerts=(*_of_pairs(objective, count), *_of_its_own(objective, count)),
    )


def _of_pairs(objective: MeasuredObjective, count: Count) -> list[LiveAlert]:
    return [
        _with_enough(
            _alert(objective, count, "ErrorBudgetBurn", pair.severity, pair.factor, windows, 0),
            count(pair.long_s, 0).requests >= objective.objective.min_requests,
        )
        for pair in objective.pairs
        for windows in [(pair.long_s, pair.short_s)]
    ]


def _with_enough(alert: LiveAlert, enough: bool) -> LiveAlert:
    return alert if enough else replace(alert, state="inactive", too_few=True)


def _of_its_own(objective: MeasuredObjective, count: Count) -> list[LiveAlert]:
    found = []
    for alert in objective.alerts:
        # What may be bad of all requests, as a multiple of what the objective allows.
        share = 1 - alert.below
        factor = share if alert.of == "budget" else share / objective.budget
        windows = (round(alert.over),)
        found.append(
            _alert(objective, count, alert.name, alert.severity, factor, windows, alert.for_)
        )
    return found


def _alert(
    objective: MeasuredObjective,
    count: Count,
    name: str,
    severity: Severity,
    factor: float,
    windows: tuple[int, ...],
    for_s: float,
) -> LiveAlert:
    def burns(ago_s: float) -> dict[int, float]:
        return {w: count(w, ago_s).bad_share / objective.budget for w in windows}

    def holds(ago_s: float) -> bool:
        return all(burn > factor for burn in burns(ago_s).values())

    state: State = "inactive"
    if holds(0):
        steps = range(1, int(for_s // STEP_S) + 1)
        state = "firing" if all(holds(step * STEP_S) for step in steps) else "pending"
    return LiveAlert(name, severity, burns(0), factor, state)
