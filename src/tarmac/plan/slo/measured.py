"""One objective as it is measured: its name, its sentence, and the queries that count it.

Rules, their tests, alerts, runbooks, dashboards and Datadog's monitors all read it from here, so
that a name, a kind or a sentence is derived once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tarmac.base.written import duration
from tarmac.plan.slo import budget, indicator

if TYPE_CHECKING:
    from tarmac.model.objective import Objective, ObjectiveAlert
    from tarmac.plan.slo.budget import Pair
    from tarmac.plan.slo.indicator import Kind

#: A request in thirty years: no window can measure so few, and nothing is divided by zero.
LEAST = "1e-9"
#: Recorded for every objective, for dashboards: short, middle, long.
ALWAYS_S = (5 * 60, 3600, 6 * 3600)
#: From here on a window is summed up from what was recorded, and not from every pod's counters.
FOLDED_S = 86400
#: So often a rate is recorded.
RECORDED_S = 30


@dataclass(frozen=True)
class MeasuredObjective:
    """An objective of one service in one namespace, with the queries that measure it."""

    objective: Objective
    namespace: str

    @property
    def service(self) -> str:
        """The service that it is about."""
        return self.objective.service

    @property
    def alerts(self) -> tuple[ObjectiveAlert, ...]:
        """The alerts that the model declares besides those on how fast the budget burns."""
        return self.objective.alerts

    @cached_property
    def kind(self) -> Kind:
        """Which share it is about: of requests that work, or of those that are fast."""
        return indicator.kind(self.objective)

    @cached_property
    def name(self) -> str:
        """Its name in rules and in the label `objective`: `api_availability`."""
        return indicator.name(self.objective)

    @cached_property
    def target(self) -> float:
        """The share of requests that must be good, 0 to 1."""
        return budget.target(self.objective)

    @cached_property
    def budget(self) -> float:
        """The share of requests that may be bad, 0 to 1."""
        return budget.budget(self.objective)

    @property
    def window_s(self) -> float:
        """The time over which the target holds."""
        return self.objective.window

    @property
    def latency_s(self) -> float | None:
        """The time within which a request is good; None for availability."""
        return self.objective.latency

    @cached_property
    def bound_s(self) -> float | None:
        """The bucket bound that counts fast requests; None for availability, or without one."""
        known = indicator.buckets()
        return None if self.latency_s is None else indicator.bound(self.latency_s, known)

    @property
    def counted(self) -> bool:
        """Whether its requests are counted at all: a latency between two buckets is not."""
        return (self.bound_s is None) == (self.latency_s is None)

    @property
    def bad(self) -> str:
        """What a bad request does, for a reader."""
        if self.latency_s is None:
            return "failed"
        return f"took longer than {indicator.number(self.latency_s)} s"

    @property
    def sentence(self) -> str:
        """The objective for a reader: `99.9 % of requests without a 5xx over 30d`."""
        good = "without a 5xx"
        if self.latency_s is not None:
            good = f"within {indicator.number(self.latency_s)} s"
        share = indicator.number(100 * self.target)
        return f"{share} % of requests {good} over {duration(self.window_s)}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of each of its recorded series."""
        return {"namespace": self.namespace, "service": self.service, "objective": self.name}

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs of windows that can ever burn as fast as their factor says."""
        pairs = budget.pairs(self.window_s)
        return tuple(pair for pair in pairs if budget.can_fire(pair, self.budget))

    @cached_property
    def budgets_s(self) -> tuple[int, ...]:
        """The times over which the rest of the budget is recorded."""
        asked = [round(alert.over) for alert in self.alerts if alert.of == "budget"]
        return tuple(dict.fromkeys(asked or [round(self.window_s)]))

    @property
    def longest_s(self) -> float:
        """The longest time that any of its rules looks back on."""
        return max(self.window_s, *(alert.over for alert in self.alerts), 0)

    @cached_property
    def windows_s(self) -> tuple[int, ...]:
        """The windows whose share of good requests is recorded, the shortest first."""
        of_pairs = [window for pair in self.pairs for window in (pair.long_s, pair.short_s)]
        of_alerts = [round(alert.over) for alert in self.alerts]
        return tuple(sorted({*ALWAYS_S, *of_pairs, *of_alerts, *self.budgets_s}))

    def series(self, metric: str, *more: str) -> str:
        """Select the series of requests of its service's users that were not broken off."""
        own = (f'namespace="{self.namespace}"', f'service="{self.service}"')
        return f"{metric}{{{','.join((*own, indicator.USERS, indicator.COUNTED, *more))}}}"

    def recorded(self, what: str) -> str:
        """Select a recorded series: `slo:api_availability:ratio_rate5m{namespace="..."}`."""
        return f'slo:{self.name}:{what}{{namespace="{self.namespace}"}}'

    def recorded_ratio(self, window_s: float) -> str:
        """Select the recorded share of good requests of a window."""
        return self.recorded(f"ratio_rate{duration(window_s)}")

    def recorded_budget(self, window_s: float) -> str:
        """Select the recorded rest of the budget over a window."""
        own = {"namespace": self.namespace, "objective": self.name, "window": duration(window_s)}
        selected = ",".join(f'{label}="{value}"' for label, value in own.items())
        return f"slo:error_budget:remaining{{{selected}}}"

    def burn(self, window_s: float) -> str:
        """Write the query of how many times faster than allowed the budget burns in a window."""
        return f"(1 - {self.recorded_ratio(window_s)}) / (1 - {self.target:.10g})"

    def requests(self, window_s: float) -> str:
        """Write the query of the rate of requests."""
        metric = indicator.REQUESTS if self.bound_s is None else f"{indicator.DURATION}_count"
        return f"sum(rate({self.series(metric)}[{duration(window_s)}]))"

    def has_enough(self, window_s: int) -> str:
        """Write the query that holds once a window has the objective's least number of requests."""
        counted = f"{self.requests(window_s)} * {window_s}"
        if window_s >= FOLDED_S:
            recorded = f"{self.recorded('requests_rate5m')}[{duration(window_s)}]"
            counted = f"sum_over_time({recorded}) * {RECORDED_S}"
        return f"{counted} >= {self.objective.min_requests}"

    def bad_requests(self, window_s: float) -> str:
        """Write the query of the rate of bad requests; without a failure there is no series."""
        window = duration(window_s)
        if self.bound_s is None:
            failed = self.series(indicator.REQUESTS, f'status=~"{indicator.FAILED}"')
            return f"(sum(rate({failed}[{window}])) or vector(0))"
        bucket = f'le="{indicator.le(self.bound_s)}"'
        fast = self.series(f"{indicator.DURATION}_bucket", bucket)
        return f"({self.requests(window_s)} - sum(rate({fast}[{window}])))"

    def good_share(self, window_s: int) -> str:
        """Write the query of the share of good requests in a window; 1 without a request."""
        if window_s < FOLDED_S:
            bad, every = self.bad_requests(window_s), self.requests(window_s)
        else:
            bad, every = (
                f"sum_over_time({self.recorded(f'{what}_rate5m')}[{duration(window_s)}])"
                for what in ("bad", "requests")
            )
        return f"1 - {bad} / clamp_min({every}, {LEAST})"
