"""Runs of a system and what is compared of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from readings import BEGAN, Readings

from tarmac.base.errors import BadInput
from tarmac.plan.slo import indicator
from tarmac.run.telemetry import run_charts, runs
from tarmac.run.telemetry.charts import Steps
from tarmac.run.telemetry.sample import SeriesKey
from tarmac.run.telemetry.storage import reader

FIRST, SECOND = "2026-11-20T10:15:00", "2026-11-21T09:00:00"


def requests(status: str) -> SeriesKey:
    return SeriesKey(indicator.REQUESTS, (("route", "/orders"), ("status", status)))


def bucket(bound: str) -> SeriesKey:
    return SeriesKey(f"{indicator.DURATION}_bucket", (("le", bound), ("route", "/orders")))


def counted(good: int, bad: int = 0) -> dict[SeriesKey, float]:
    both = {requests("200"): good, requests("500"): bad}
    return {**both, bucket("0.1"): good, bucket("1.0"): good, bucket("+Inf"): good + bad}


@pytest.fixture
def stored(tmp_path: Path) -> Iterator:
    """Two runs of twenty seconds: ten requests in the first, five with a failure in the second."""
    readings = Readings(tmp_path / "telemetry.sqlite")
    for name, at_s, good, bad in ((FIRST, 0, 10, 0), (SECOND, 100, 4, 1)):
        for now_s in (at_s, at_s + 20):
            readings.storage.write(lambda to: runs.mark(to, name, BEGAN + now_s * 1000))  # noqa: B023
        readings.read("orders-1", at_s + 1, {}, began_s=at_s)
        readings.read("orders-1", at_s + 15, counted(good, bad), began_s=at_s)
    with contextlib.closing(reader(readings.path)) as opened:
        yield opened


def test_a_run_goes_on_until_it_was_seen_last(stored):
    assert runs.all_runs(stored) == [
        runs.Run(SECOND, BEGAN + 100_000, BEGAN + 120_000),
        runs.Run(FIRST, BEGAN, BEGAN + 20_000),
    ]


def test_a_run_of_a_later_clock_is_not_the_latest(tmp_path):
    readings = Readings(tmp_path / "telemetry.sqlite")
    now_ms = time.time_ns() // 1_000_000
    for name, at_ms in (("old", now_ms - 9_000), ("later", now_ms + 10**10), ("new", now_ms)):
        readings.storage.write(lambda to: runs.mark(to, name, at_ms))  # noqa: B023
    with contextlib.closing(reader(readings.path)) as opened:
        assert [run.name for run in runs.all_runs(opened)] == ["new", "old", "later"]
        assert runs.find(opened, runs.LATEST).name == "new"


def test_the_requests_of_two_runs_stand_beside_each_other(stored):
    before, after = runs.find(stored, FIRST[:10]), runs.find(stored, runs.LATEST)
    (orders,) = runs.compare(stored, before, after)
    assert orders.before == runs.RunRequests(10, 0.5, 0.0, 0.05, 0.095, 0.099)
    assert (orders.after.requests, orders.after.failed_share) == (5, 0.2)


def test_two_runs_are_charted_from_their_starts_and_not_beyond_their_ends(stored):
    both = [runs.find(stored, SECOND), runs.find(stored, FIRST)]
    second, first = run_charts.steps_of(both, 5_000, 900_000, BEGAN + 200_000)
    assert first.steps == Steps(BEGAN, 5_000, 4)
    assert second.steps == Steps(BEGAN + 100_000, 5_000, 4)
    assert run_charts.red(stored, "orders", first).requests_per_s == [0, 0, 2, 0]
    found = run_charts.red(stored, "orders", second)
    # Nothing was read after its third step.
    assert (found.requests_per_s, found.failed_per_s) == ([0, 0, 1, None], [0, 0, 0.2, None])
    assert found.durations_s["p50"][2] is not None
    made = run_charts.lines(stored, "orders", indicator.REQUESTS, "status", first)
    assert made == {"200": [0, 0, 2, 0], "500": [0, 0, 0, 0]}


def test_a_chart_of_runs_is_as_long_as_the_longest_and_each_has_its_own_values(stored):
    long = runs.Run("long", BEGAN, BEGAN + 119_000)
    shown = run_charts.steps_of([long, runs.find(stored, FIRST)], 10_000, 90_000, BEGAN + 200_000)
    assert [one.steps.count for one in shown] == [9, 9]
    assert run_charts.red(stored, "orders", shown[1]).requests_per_s == [0, 1, *[None] * 7]
    # Whose samples are folded to one a minute, has no finer steps.
    (old,) = run_charts.steps_of([long], 10_000, 900_000, BEGAN + 4_000_000)
    assert (old.steps.step_ms, old.steps.count) == (60_000, 1)
    (young,) = run_charts.steps_of([runs.Run("young", 5, 6)], 10_000, 900_000, 7)
    assert young.cut([1.0]) == [None]


@pytest.mark.parametrize(
    ("given", "why"), [("2026-11-2", "fits several runs"), ("2027", "no such run")]
)
def test_a_run_that_is_none_or_several_is_named(stored, given, why):
    with pytest.raises(BadInput, match=why):
        runs.find(stored, given)
