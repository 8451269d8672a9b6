"""Unit tests of what is recorded of an objective: ratios, and the budget that remains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.written import duration
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.render.observability.alerting.promtool import expect_none, rule_test, sample
from tarmac.render.observability.alerting.promtool_lines import Line, Part
from tarmac.render.observability.alerting.slo_rules import BURN
from tarmac.render.observability.alerting.slo_series import STEP_S, lines


def recorded_tests(objective: MeasuredObjective) -> Iterator[dict[str, Any]]:
    """Test what is recorded: with no request bad, with all that may be, with none at all."""
    labels = _written(objective.labels)
    # Later than an alert that holds from the first step on would fire.
    at_s = max((alert.for_ for alert in objective.alerts), default=0) + 5 * STEP_S

    def rounded(series: str) -> str:
        return f"round({series}, 0.000001)"

    def asked(ratio: float, left: float) -> list[dict[str, Any]]:
        ratios = [
            sample(at_s, rounded(objective.recorded_ratio(window)), labels, ratio)
            for window in objective.windows_s
        ]
        lefts = [
            sample(
                at_s,
                rounded(f'slo:error_budget:remaining{{objective="{objective.name}",window="{w}"}}'),
                _written({**objective.labels, "window": w}),
                left,
            )
            for w in map(duration, objective.budgets_s)
        ]
        return [*ratios, *lefts]

    names = {
        "no request is bad": (((0, at_s),), asked(1, 1)),
        "as many are bad as may be": (
            ((objective.budget, at_s),),
            asked(round(1 - objective.budget, 6), 0),
        ),
    }
    for name, (parts, wanted) in names.items():
        title = f"{objective.name} while {name}"
        yield rule_test(title, STEP_S, lines(objective, parts), samples=wanted)
    still = tuple(
        Line(line.series, (Part(0, round(at_s / STEP_S)),), counter=True)
        for line in lines(objective, ((0, at_s),))
    )
    alerts = dict.fromkeys((BURN, *(alert.name for alert in objective.alerts)))
    silent = [expect_none(at_s, name) for name in alerts]
    yield rule_test(f"{objective.name} without a request", STEP_S, still, silent, asked(1, 1))
    none = [
        sample(at_s, objective.recorded_ratio(objective.windows_s[0]), "", 0),
        sample(at_s, f'slo:error_budget:remaining{{objective="{objective.name}"}}', "", 0),
    ]
    # promtool runs no longer than its longest series, so another service's is given.
    other = (Line('up{job="another"}', (Part(1, round(at_s / STEP_S)),)),)
    yield rule_test(f"{objective.name} while nothing is measured", STEP_S, other, silent, none)


def _written(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"
