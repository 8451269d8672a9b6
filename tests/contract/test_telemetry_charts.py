"""Charts of what was scraped: over instances and restarts, with gaps where nothing was read."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from readings import BEGAN, Readings

from tarmac.plan.slo import indicator
from tarmac.run.telemetry import charts
from tarmac.run.telemetry.charts import Steps
from tarmac.run.telemetry.sample import SeriesKey
from tarmac.run.telemetry.storage import reader

#: Steps of ten seconds.
STEP = 10_000
MEMORY = SeriesKey("process_resident_memory_bytes", ())


def requests(status: str, route: str = "/orders") -> SeriesKey:
    return SeriesKey(indicator.REQUESTS, (("route", route), ("status", status)))


def bucket(bound: str) -> SeriesKey:
    return SeriesKey(f"{indicator.DURATION}_bucket", (("le", bound), ("route", "/orders")))


@pytest.fixture
def readings(tmp_path: Path) -> Readings:
    return Readings(tmp_path / "telemetry.sqlite")


@pytest.fixture
def stored(readings: Readings) -> Iterator:
    with contextlib.closing(reader(readings.path)) as opened:
        yield opened


def test_requests_of_all_instances_and_processes_are_one_rate(readings, stored):
    readings.read("orders-1", 1, {})
    readings.read("orders-2", 1, {})
    readings.read("orders-1", 5, {requests("200"): 20, requests("500"): 5})
    readings.read("orders-2", 9, {requests("200"): 10, requests("200", "/health/ready"): 99})
    readings.read("orders-1", 15, {requests("200"): 20, requests("500"): 5})
    readings.read("orders-1", 25, {requests("200"): 7}, began_s=20)  # another process
    found = charts.red(stored, "orders", Steps(BEGAN, STEP, 4))
    assert found.requests_per_s == [3.5, 0.0, 0.7, None]
    assert found.failed_per_s == [0.5, 0.0, 0.0, None]


def test_a_service_that_was_never_read_has_no_rate(stored):
    found = charts.red(stored, "orders", Steps(BEGAN, STEP, 2))
    assert found.requests_per_s == [None, None]
    assert charts.names(stored, "orders") == []


def test_durations_are_those_of_their_step_alone(readings, stored):
    readings.read("orders-1", 1, {})
    readings.read("orders-1", 5, {bucket("0.1"): 50, bucket("1.0"): 100, bucket("+Inf"): 100})
    readings.read("orders-1", 15, {bucket("0.1"): 150, bucket("1.0"): 200, bucket("+Inf"): 200})
    found = charts.red(stored, "orders", Steps(BEGAN, STEP, 3)).durations_s
    assert found["p50"] == [0.1, 0.05, None]
    assert found["p95"][1] == pytest.approx(0.095)


def test_a_gauge_has_its_last_value_until_its_instance_is_gone(readings, stored):
    readings.read("orders-1", -30, {}, {MEMORY: 5})
    readings.read("orders-2", 5, {}, {MEMORY: 7})
    readings.read("orders-1", 12, {}, {MEMORY: 5})
    readings.read("orders-2", 15, {}, {MEMORY: 9})
    readings.read("orders-2", 35, {}, {MEMORY: 9})
    found = charts.lines(stored, "orders", MEMORY.name, "", Steps(BEGAN, STEP, 5))
    assert found == {"orders-2": [7, 9, 9, 9, None], "orders-1": [5, 5, None, None, None]}


def test_a_counter_is_shown_by_any_of_its_labels(readings, stored):
    readings.read("orders-1", 1, {})
    counted = {requests("200"): 10, requests("404", "/old"): 20, requests("200", "/new"): 40}
    readings.read("orders-1", 5, counted)
    steps = Steps(BEGAN, STEP, 1)
    name = indicator.REQUESTS
    assert charts.lines(stored, "orders", name, "status", steps) == {"200": [5.0], "404": [2.0]}
    assert list(charts.lines(stored, "orders", name, "route", steps)) == ["/new", "/old", "/orders"]
    assert charts.lines(stored, "orders", name, "", steps) == {name: [7.0]}
    (known, _) = charts.names(stored, "orders")
    assert (known.name, known.kind, known.labels) == (name, "counter", ("route", "status"))


def test_charts_show_at_most_the_largest_series(readings, stored):
    readings.read("orders-1", 1, {})
    readings.read("orders-1", 5, {requests("200", f"/{n}"): n + 1 for n in range(40)})
    found = charts.lines(stored, "orders", indicator.REQUESTS, "route", Steps(BEGAN, STEP, 1))
    assert len(found) == charts.MOST_LINES
    assert next(iter(found)) == "/39"


DURATIONS = st.lists(st.floats(0.0001, 0.99), min_size=1, max_size=60)
BOUNDS = (0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, math.inf)


@given(durations=DURATIONS, share=st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_is_within_the_bucket_of_the_real_one(durations, share):
    cumulative = {bound: sum(one <= bound for one in durations) for bound in BOUNDS}
    found = charts.quantile(cumulative, share)
    rank = math.ceil(share * len(durations))
    real = sorted(durations)[rank - 1]
    upper = next(bound for bound in BOUNDS if real <= bound)
    lower = max((bound for bound in BOUNDS if bound < upper), default=0.0)
    assert lower <= found <= upper


def test_a_quantile_of_nothing_is_none_and_beyond_the_last_bound_is_that_bound():
    assert charts.quantile({}, 0.5) is None
    assert charts.quantile({0.1: 0, math.inf: 0}, 0.5) is None
    assert charts.quantile({0.1: 0, 0.2: 1, math.inf: 10}, 0.99) == 0.2
