"""Unit tests of the rules of objectives: when each alert fires, clears and is silent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.model.value import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.render._promtool import Line, Part, fires, number, quiet, sample, trial
from tarmac.render._rules import BURN, FOLDED_S, Promise, Told, burns, own
from tarmac.slo import budget, indicator

#: Requests that are answered in each minute of a test: so many that every share is a whole number.
#: A counter with a float's tail would seem to fall, which means that it began anew.
PER_MINUTE = 1_000_000
#: How far above its threshold the trouble of a test is, and how far below that of a silent one; not
#: twice, or the middle of a window would be the very moment.
OVER, UNDER = 1.9, 0.9
#: The clock of a test, by the longest window of its alert: so many steps of it are looked at.
CLOCKS_S = (60, 300, 1200, 3600)
STEPS = 72
STEP_S = CLOCKS_S[0]


def step_s(told: Told) -> int:
    """Say by which clock an alert is tested."""
    return next((c for c in CLOCKS_S if c * STEPS >= max(told.above)), CLOCKS_S[-1])


def lines(promise: Promise, parts: tuple[tuple[float, float], ...]) -> tuple[Line, ...]:
    """Make the series that a service exports while these shares are bad for so many seconds.

    There is a sample each minute, whatever the clock of the rules.
    """

    def line(metric: str, labels: Mapping[str, str], share: Any) -> Line:
        given = {
            "namespace": promise.namespace,
            "service": promise.service,
            "route": "/orders",
            "method": "GET",
            **labels,
        }
        text = ",".join(f'{name}="{value}"' for name, value in given.items())
        counted = tuple(
            Part(round(PER_MINUTE * share(bad)), round(lasts_s / STEP_S)) for bad, lasts_s in parts
        )
        return Line(f"{metric}{{{text}}}", counted, counter=True)

    if promise.bound is None:
        return (
            line(indicator.REQUESTS, {"status": "200"}, lambda bad: 1 - bad),
            line(indicator.REQUESTS, {"status": "503"}, lambda bad: bad),
        )
    bound = {"status": "200", "le": indicator.le(promise.bound)}
    return (
        line(f"{indicator.DURATION}_bucket", bound, lambda bad: 1 - bad),
        line(f"{indicator.DURATION}_count", {"status": "200"}, lambda bad: 1),
    )


def _share(bad: float, window_s: float, before_s: float, lasts_s: float, at_s: float) -> float:
    """Return the bad share of a window that ends at a time, as far back as anything was counted."""
    seen_s = min(window_s, at_s)
    from_s = max(before_s, at_s - seen_s)
    return bad * max(0.0, min(at_s, before_s + lasts_s) - from_s) / seen_s


def _so(told: Told, bad: float, before_s: float, lasts_s: float, at_s: float) -> bool:
    return all(
        _share(bad, window_s, before_s, lasts_s, at_s) > above
        for window_s, above in told.above.items()
    )


def _expected(told: Told) -> tuple[dict[str, str], dict[str, str]]:
    return {**told.promise.labels, **told.labels}, dict(told.annotations)


def _burn(told: Told, every: list[Told]) -> Iterator[dict[str, Any]]:
    """Try one pair of windows, with all others of the same promise beside it."""
    step = step_s(told)
    long_s, share = max(told.above), max(told.above.values())
    bad = min(share * OVER, 1.0)
    before_s = long_s
    seen_s = long_s * share / bad
    # A range's both ends count or one of them, by the version: a step more or less of it.
    off = step / long_s if long_s >= FOLDED_S else 0.0
    last_quiet_s = before_s + (math.ceil(seen_s * (1 - step / long_s) / step) - 1) * step
    fires_s = before_s + (math.floor(seen_s * (1 + off) / step) + 1) * step
    lasts_s = fires_s - before_s + max(2 * step, min(told.above))
    short_s = min(told.above)
    gone_s = budget.gone_after(short_s, share, bad) or 0.0
    still_s = before_s + lasts_s + math.floor(gone_s * (1 - STEP_S / short_s) / step) * step
    clear_s = before_s + lasts_s + (math.floor(gone_s / step) + 1) * step

    def at(at_s: float) -> dict[str, Any]:
        so = [each for each in every if _so(each, bad, before_s, lasts_s, at_s)]
        found = quiet(at_s, BURN)
        for each in so:
            labels, annotations = _expected(each)
            found["exp_alerts"] += fires(at_s, BURN, labels, annotations)["exp_alerts"]
        return found

    windows = f"{told.labels['long_window']} and {told.labels['short_window']}"
    name = f"{BURN} of {told.promise.name} in {windows}"
    after_s = clear_s - before_s - lasts_s + step
    yield trial(
        f"{name} fires {duration(fires_s - before_s)} after {number(bad * 100)} % became bad",
        STEP_S,
        lines(told.promise, ((0, before_s), (bad, lasts_s), (0, after_s))),
        [at(each) for each in (last_quiet_s, fires_s, still_s, clear_s)],
    )
    low = share * UNDER
    above_low = [each for each in every if max(each.above.values()) < low]
    checked = quiet(2 * short_s, BURN)
    for each in above_low:
        labels, annotations = _expected(each)
        checked["exp_alerts"] += fires(0, BURN, labels, annotations)["exp_alerts"]
    yield trial(
        f"{name} is silent at {number(low * 100)} %",
        STEP_S,
        lines(told.promise, ((low, 2 * short_s + step),)),
        [checked],
    )


def _own(told: Told) -> Iterator[dict[str, Any]]:
    """Try an alert of the objective's own: it is pending, fires, clears; and it is silent below."""
    ((over_s, above),) = told.above.items()
    bad = min(above * OVER, 1.0)
    before_s = 2 * over_s
    seen_s = over_s * above / bad
    first_s = before_s + (math.floor(seen_s / STEP_S) + 1) * STEP_S
    early_s = before_s + math.ceil(seen_s * (1 - STEP_S / over_s) / STEP_S) * STEP_S
    fires_s = first_s + told.for_s
    full_s = max(fires_s, before_s + over_s)
    lasts_s = full_s - before_s + 5 * STEP_S
    gone_s = budget.gone_after(over_s, above, bad) or 0.0
    clear_s = before_s + lasts_s + (math.floor(gone_s / STEP_S) + 1) * STEP_S
    labels, annotations = _expected(told)
    if told.of_budget:
        labels["window"] = duration(over_s)
    value = budget.remaining(bad, told.promise.budget) if told.of_budget else 1 - bad
    shown = {
        key: text.replace("{{ $value | humanizePercentage }}", f"{value * 100:.4g}%")
        for key, text in annotations.items()
    }
    given = {"alertname": told.name, "objective": told.promise.name}
    selected = ",".join(f'{key}="{value}"' for key, value in given.items())
    firing = f'count(ALERTS{{alertstate="firing",{selected}}})'
    yield trial(
        f"{told.name} of {told.promise.name} fires {duration(fires_s - before_s)} after "
        f"{number(bad * 100)} % became bad",
        STEP_S,
        lines(told.promise, ((0, before_s), (bad, lasts_s), (0, clear_s - before_s))),
        [
            quiet(early_s + told.for_s - STEP_S, told.name),
            fires(full_s, told.name, labels, shown),
            fires(before_s + lasts_s, told.name, labels, shown),
            quiet(clear_s, told.name),
        ],
        [sample(fires_s, firing, "{}", 1)],
    )
    low = above * UNDER
    yield trial(
        f"{told.name} of {told.promise.name} is silent at {number(low * 100)} %",
        STEP_S,
        lines(told.promise, ((low, fires_s),)),
        [quiet(fires_s, told.name)],
    )


def _recorded(promise: Promise, windows_s: tuple[int, ...], budgets_s: tuple[int, ...]) -> Any:
    """Try what is recorded: with no request bad, with all that may be, with none at all."""
    labels = _written(promise.labels)
    at_s = 15 * 60

    def rounded(series: str) -> str:
        return f"round({series}, 0.000001)"

    def asked(ratio: float, left: float) -> list[dict[str, Any]]:
        ratios = [
            sample(at_s, rounded(promise.recorded(f"ratio_rate{duration(each)}")), labels, ratio)
            for each in windows_s
        ]
        lefts = [
            sample(
                at_s,
                rounded(f'slo:error_budget:remaining{{objective="{promise.name}",window="{w}"}}'),
                _written({**promise.labels, "window": w}),
                left,
            )
            for w in map(duration, budgets_s)
        ]
        return [*ratios, *lefts]

    names = {
        "no request is bad": (((0, at_s),), asked(1, 1)),
        "as many are bad as may be": (
            ((promise.budget, at_s),),
            asked(round(1 - promise.budget, 6), 0),
        ),
    }
    for name, (parts, wanted) in names.items():
        title = f"{promise.name} while {name}"
        yield trial(title, STEP_S, lines(promise, parts), samples=wanted)
    still = tuple(
        Line(each.series, (Part(0, round(at_s / STEP_S)),), counter=True)
        for each in lines(promise, ((0, at_s),))
    )
    alerts = dict.fromkeys((BURN, *(each.name for each in promise.objective.alerts)))
    silent = [quiet(at_s, each) for each in alerts]
    yield trial(f"{promise.name} while nobody asks", STEP_S, still, silent, asked(1, 1))
    none = [
        sample(at_s, promise.recorded(f"ratio_rate{duration(windows_s[0])}"), "", 0),
        sample(at_s, f'slo:error_budget:remaining{{objective="{promise.name}"}}', "", 0),
    ]
    # promtool runs no longer than its longest series, so another service's is given.
    other = (Line('up{job="another"}', (Part(1, round(at_s / STEP_S)),)),)
    yield trial(f"{promise.name} while nothing is measured", STEP_S, other, silent, none)


def _written(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"


def trials(
    plan: ClusterPlan,
    promise: Promise,
    windows_s: tuple[int, ...],
    budgets_s: tuple[int, ...],
    clock_s: int,
) -> Iterator[dict[str, Any]]:
    """Yield the tests of a promise that go by a clock."""
    burning = burns(plan, promise)
    if clock_s == STEP_S:
        yield from _recorded(promise, windows_s, budgets_s)
        for each in own(plan, promise):
            yield from _own(each)
    for each in burning:
        if step_s(each) == clock_s:
            yield from _burn(each, burning)
