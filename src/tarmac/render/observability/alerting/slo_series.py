"""Series that unit tests of objectives run over: shares of bad requests, minute by minute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.plan.slo import indicator
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render.observability.alerting.promtool_lines import Line, Part
from tarmac.render.observability.alerting.slo_rules import AlertRule

#: Requests that are answered in each minute of a test: so many that every share is a whole number.
#: A counter with a float's tail would seem to fall, which means that it was reset.
PER_MINUTE = 1_000_000
#: How far above its threshold the trouble of a test is, and how far below that of a silent one; not
#: twice, or the middle of a window would be the very moment.
OVER, UNDER = 1.9, 0.9
#: The clock of a test, by the longest window of its alert: at most so many steps make one.
CLOCKS_S = (60, 600, 2400, 7200)
STEPS = 60
STEP_S = CLOCKS_S[0]


def step_s(rule: AlertRule) -> int:
    """Return by which clock an alert is tested."""
    return next((c for c in CLOCKS_S if c * STEPS >= max(rule.above)), CLOCKS_S[-1])


def lines(objective: MeasuredObjective, parts: tuple[tuple[float, float], ...]) -> tuple[Line, ...]:
    """Make the series that a service exports while these shares are bad for so many seconds.

    There is a sample each minute, whatever the clock of the rules.
    """

    def line(metric: str, labels: Mapping[str, str], share: Any) -> Line:
        given = {
            "namespace": objective.namespace,
            "service": objective.service,
            "route": "/orders",
            "method": "GET",
            **labels,
        }
        text = ",".join(f'{name}="{value}"' for name, value in given.items())
        counted = tuple(
            Part(round(PER_MINUTE * share(bad)), round(lasts_s / STEP_S)) for bad, lasts_s in parts
        )
        return Line(f"{metric}{{{text}}}", counted, counter=True)

    if objective.bound_s is None:
        return (
            line(indicator.REQUESTS, {"status": "200"}, lambda bad: 1 - bad),
            line(indicator.REQUESTS, {"status": "503"}, lambda bad: bad),
        )
    bound = {"status": "200", "le": indicator.le(objective.bound_s)}
    return (
        line(f"{indicator.DURATION}_bucket", bound, lambda bad: 1 - bad),
        line(f"{indicator.DURATION}_count", {"status": "200"}, lambda bad: 1),
    )


def expected(rule: AlertRule) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labels and annotations of an alert that fires."""
    return {**rule.objective.labels, **rule.labels}, dict(rule.annotations)
