"""The drill `scale` on a service that stands for one: who gets requests, and what decides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from tarmac.base.target import Instance
from tarmac.drill import explain
from tarmac.drill.drill import Check, DrillContext, DrillResult, Verdict
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Scale
from tarmac.drill.kinds import scale
from tarmac.drill.running import under_load


class System:
    """A target whose service has as many instances as it is told, or does not listen."""

    kind = "fake"

    def __init__(self, *, obeys: bool = True, state: str = "healthy") -> None:
        self.obeys, self.state = obeys, state
        self.asked: list[int] = []
        self.many = 1

    def scale(self, service: str, instances: int) -> None:
        assert service == "web"
        self.asked.append(instances)
        if self.obeys:
            self.many = instances

    def find(self, name: str) -> tuple[str, ...]:
        return tuple(f"{name}.{number}" for number in range(1, self.many + 1))

    def instances(self) -> tuple[Instance, ...]:
        others = (Instance("other.1", "service", "healthy", 1, 0),)
        return (
            *others,
            *(Instance(name, "service", self.state, 2, 0) for name in self.find("web")),
        )


class Watch:
    """Waits for nothing; aborts where it is told to."""

    def __init__(self, *, aborts: bool) -> None:
        self.aborts = aborts

    def __call__(self) -> bool:
        return self.aborts

    def sleep_until(self, end: float) -> None:
        pass


@pytest.fixture
def drilled(monkeypatch):
    """Run the drill on a system whose instances have answered so many requests."""

    def drill(system: System, counted: Mapping[str, float], aborts: bool = False) -> DrillResult:
        def under(context: DrillContext, disturb: object) -> DrillResult:
            done = disturb(context.say, Watch(aborts=aborts))
            return DrillResult((Check("hypothesis", "not aborted", not done.aborted, ""),))

        monkeypatch.setattr(under_load, "run", under)
        state = SimpleNamespace(requests=lambda service, since: counted)
        return scale.DRILL.run(DrillContext(drill_file(), Path(), system, state))

    return drill


def drill_file() -> DrillFile:
    load = {"journey": "order", "rate": 10}
    file = DrillFile(drill=1, title="More", kind="scale", load=load)
    # What does not come is not waited for.
    wanted = Scale(service="web", instances=3, hold="20s", share=50)
    return file.model_copy(update={"scale": wanted, "recovery": 0.001})


EVEN = {"web.1": 100, "web.2": 120, "web.3": 50}


@pytest.mark.parametrize(
    ("system", "counted", "verdict", "broken"),
    [
        (System(), EVEN, Verdict.PASS, ""),
        # It runs, and no request ever reaches it.
        (System(), {"web.1": 300}, Verdict.FAIL, "each instance of web takes its share"),
        (System(), {**EVEN, "web.3": 40}, Verdict.FAIL, "each instance of web takes its share"),
        # An instance that is gone took some of them: it is none of those three.
        (System(), {"web.1": 5, "web.2": 5, "web.9": 90}, Verdict.FAIL, "each instance of web"),
        (System(), {}, Verdict.INVALID, "requests of web are counted by instance"),
        (System(obeys=False), EVEN, Verdict.INVALID, "3 instances of web ran"),
        (System(state="booted"), EVEN, Verdict.INVALID, "3 instances of web ran"),
    ],
)
def test_each_instance_must_run_and_take_its_share(drilled, system, counted, verdict, broken):
    result = drilled(system, counted)
    wrong = [check.what for check in result.checks if not check.holds]
    assert result.verdict is verdict, result.checks
    assert any(what.startswith(broken) for what in wrong) if broken else not wrong
    assert system.asked == [3, 1]


def test_a_drill_that_is_aborted_goes_back_to_as_many_as_before(drilled):
    system = System()
    assert drilled(system, EVEN, aborts=True).verdict is Verdict.FAIL
    assert system.many == 1


def test_a_scaling_is_explained_in_plain_words():
    said = list(explain.sentences(drill_file(), scale.DRILL))
    assert said[1] == (
        "10 visits `order` begin per second, and after 5s 3 instances of web run for 20s."
    )
