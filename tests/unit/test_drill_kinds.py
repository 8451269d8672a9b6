"""Kinds of drills that run several loads: a rising rate, and steps that are drawn."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from hdrh.histogram import HdrHistogram

from tarmac.catalog.faults.kill import Kill
from tarmac.drill.drill import Check, DrillContext, DrillResult, Verdict
from tarmac.drill.file.drill_file import DrillFile, Hypothesis
from tarmac.drill.file.sections import Capacity, Draw
from tarmac.drill.kinds import capacity, random
from tarmac.drill.load.process import Load, Visits
from tarmac.drill.running import under_load
from tarmac.drill.steady_state import BrokenInvariant


class Busy:
    """A target whose database works and whose service does less."""

    def __init__(self) -> None:
        self.asked = 0

    def cpu_s(self) -> dict[str, float]:
        self.asked += 1
        return {"orders-db": 8.0 * self.asked, "orders": 4.0 * self.asked, "idle": 0.0}

    def urls(self) -> dict[str, str]:
        return {}


class Stage:
    """Stands for a load: visits are good up to one rate, and begin in time up to another."""

    def __init__(self, load: Load, good: float, sent: float) -> None:
        self.rates = [rate for rate, _ in load.stages]
        self.good, self.sent = good, sent
        self.ended = False

    def begin(self) -> None:
        pass

    def wait_over(self, second: int, within_s: float) -> None:
        assert second % 10 == 0
        assert within_s == 10

    def between(self, first: int, last: int) -> Visits:
        rate = self.rates[first // 10]
        bad = 0 if rate <= self.good else int(rate)
        durations = HdrHistogram(1, 600_000_000, 3)
        durations.record_value(1000)
        return Visits(100, Counter({"503": bad}), durations, 0.0 if rate <= self.sent else 2.0)

    def windows(self) -> list[Visits]:
        return [self.between(0, 10)]

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def measured(monkeypatch):
    """Run a capacity drill on a load that is good, and sent, up to some rates."""

    def measure(wanted: Capacity, good: float, sent: float = 1e9, broken=()) -> DrillResult:
        made: list[Stage] = []

        @contextlib.contextmanager
        def generating(load: Load):
            made.append(Stage(load, good, sent))
            yield made[0]

        clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: None)
        monkeypatch.setattr(capacity, "generating", generating)
        monkeypatch.setattr(capacity, "time", clock)
        file = drill("capacity", capacity=wanted, hypothesis=Hypothesis(success=99))
        state = SimpleNamespace(settled=lambda *_: broken)
        result = capacity.DRILL.run(context(file, state=state))
        assert made[0].ended
        return result

    return measure


def drill(kind: str, **more: object) -> DrillFile:
    load = {"journey": "order", "rate": 10}
    file = DrillFile(drill=1, title="How much", kind=kind, load=load)
    return file.model_copy(update=more)


def context(file: DrillFile, said: list[str] | None = None, state: object = None) -> DrillContext:
    say = (lambda _: None) if said is None else said.append
    return DrillContext(file, Path(), Busy(), state, say)


@pytest.mark.parametrize(
    ("at_least", "good", "sent", "verdict"),
    [
        (None, 25, 1e9, Verdict.PASS),
        (20, 25, 1e9, Verdict.PASS),
        (50, 25, 1e9, Verdict.FAIL),
        # Not even the first rate holds: nothing was expected, so nothing is shown.
        (None, 5, 1e9, Verdict.INVALID),
        (5, 5, 1e9, Verdict.FAIL),
        # The generator was at its own limit; what the system takes is not known.
        (50, 1e9, 25, Verdict.INVALID),
        (20, 1e9, 25, Verdict.PASS),
    ],
)
def test_a_capacity_is_the_last_rate_that_holds(measured, at_least, good, sent, verdict):
    wanted = Capacity(at_least=at_least, times=2, up_to=1000)
    assert measured(wanted, good, sent).verdict is verdict


def test_a_capacity_names_the_rate_what_broke_and_the_busiest(measured):
    result = measured(Capacity(times=2, up_to=1000), 25)
    said = {check.what: check.measured for check in result.checks}
    assert said["visits that the system takes"] == (
        "20 per second hold; at 40: visits succeed: 71.428 % of 140"
    )
    assert said["at the last rate"].startswith(
        "busiest: orders-db 0.80, orders 0.40, idle 0.00; together 1.20 of "
    )
    assert [period.name for period in result.periods] == ["10/s", "20/s", "40/s"]
    assert [event.at_s for event in result.events] == [0, 10, 20, 30]


def test_a_capacity_that_is_never_reached_says_that_no_higher_rate_was_tried(measured):
    result = measured(Capacity(up_to=30, times=2), 1e9)
    assert result.checks[0].measured == "20 per second hold; no higher rate was tried"


def test_a_capacity_at_which_data_breaks_is_none(measured):
    broken = (BrokenInvariant("paid-once", "2 rows"),)
    assert measured(Capacity(), 1e9, broken=broken).verdict is Verdict.FAIL


POOL = tuple(Kill(fault="kill", on=name) for name in "abcdef")


def test_a_draw_is_the_same_for_its_seed_and_differs_between_seeds():
    wanted = Draw(faults=3)
    drawn = [random.drawn(POOL, wanted, 7) for _ in range(3)]
    assert drawn[0] == drawn[1] == drawn[2]
    assert len({step.on for step in drawn[0]}) == 3
    assert [step.at for step in drawn[0]] == sorted(step.at for step in drawn[0])
    assert all(0 <= step.at <= 20 for step in drawn[0])
    assert len({random.drawn(POOL, wanted, seed) for seed in range(20)}) > 10


def test_every_step_of_a_pool_comes_up():
    seen = Counter(
        step.on for seed in range(60) for step in random.drawn(POOL, Draw(faults=2), seed)
    )
    assert set(seen) == set("abcdef")


def failing_with(*names: str):
    """Make what stands for a load: it fails when all of these are disturbed."""

    def run(one: DrillContext) -> DrillResult:
        there = {step.on for step in one.file.method}
        return DrillResult((Check("hypothesis", "holds", not set(names) <= there, str(there)),))

    return run


def test_what_fails_is_made_as_small_as_it_can_be(monkeypatch):
    monkeypatch.setattr(under_load, "run", failing_with("b", "e"))
    file = drill("random", method=POOL, draw=Draw(faults=6, seed=3))
    result = random.DRILL.run(context(file))
    assert result.verdict is Verdict.FAIL
    assert result.seed == 3
    first = result.events[0].what
    assert first.startswith("seed 3; ")
    assert first.endswith("the smallest set that fails, of 7 runs")
    assert {part.split(" on ")[1][0] for part in first.split(":")[0].split(", ")} == {"b", "e"}


def test_what_passes_runs_once_and_says_its_seed(monkeypatch):
    runs = []
    monkeypatch.setattr(
        under_load,
        "run",
        lambda one: runs.append(one) or DrillResult((Check("hypothesis", "holds", True, "all"),)),
    )
    said: list[str] = []
    result = random.DRILL.run(context(drill("random", method=POOL), said))
    assert len(runs) == 1
    assert len(runs[0].file.method) == 2
    assert result.verdict is Verdict.PASS
    assert said[0].startswith(f"seed {result.seed}: ")


def test_unseeded_draws_differ(monkeypatch):
    monkeypatch.setattr(under_load, "run", lambda _: DrillResult(()))
    file = drill("random", method=POOL)
    seeds = {random.DRILL.run(context(file)).seed for _ in range(8)}
    assert len(seeds) > 1
