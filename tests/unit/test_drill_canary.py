"""The drill `canary` on a service that stands for one: what is promoted, and what is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from drilling import broken

from tarmac.base.target import Answers, EdgeRule, Instance
from tarmac.drill import explain
from tarmac.drill.drill import Check, DrillContext, DrillResult, Verdict
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Canary, Defect
from tarmac.drill.kinds import canary
from tarmac.drill.running import under_load


@dataclass
class System:
    """A target that answers as many requests in each analysis run, split as it is told to.

    Attributes:
        failed: the share of the new version's requests that it fails by itself.
        took_s: how long it takes.
        skew: the share that it really gets, of what it is to get.
    """

    many: int = 200
    failed: float = 0.0
    took_s: float = 0.05
    stable_took_s: float = 0.05
    skew: float = 1.0
    state: str = "healthy"
    has_defect: bool = True

    def __post_init__(self) -> None:
        self.shares: list[float] = []
        self.started: tuple[str, str, Mapping[str, str]] | None = None
        self.rule: EdgeRule | None = None
        self.now = [Answers(), Answers()]

    def start_version(self, service: str, file: str, env: Mapping[str, str]) -> str:
        self.started = (service, file, env)
        return "web.new"

    def instances(self) -> tuple[Instance, ...]:
        return (Instance("web.new", "service", self.state, 2, 0),)

    def split(self, service: str, share: float, rule: EdgeRule | None) -> None:
        self.shares.append(share)
        self.rule = rule if self.has_defect else None

    def answers(self, service: str) -> tuple[Answers, Answers]:
        return (self.now[0], self.now[1])

    def go_on(self) -> None:
        """Let one analysis run pass."""
        to_new = round(self.many * self.shares[-1] * self.skew)
        rule = self.rule or EdgeRule()
        failed = round(to_new * max(self.failed, rule.error_share))
        took_s = self.took_s + 2 * rule.delay_s
        stable, new = self.now
        effect = {"answered": to_new * rule.error_share, "delayed": to_new * bool(rule.delay_s)}
        self.now = [
            added(stable, self.many - to_new, 0, self.stable_took_s),
            added(new, to_new, failed, took_s, effect),
        ]


def added(
    before: Answers, many: int, failed: int, took_s: float, effect: Mapping[str, float] = {}
) -> Answers:
    statuses = {200: before.statuses.get(200, 0) + many - failed}
    statuses[500] = before.statuses.get(500, 0) + failed
    durations = {**before.durations, took_s: before.durations.get(took_s, 0) + many}
    return Answers(before.sent + many, statuses, durations, {**before.effect, **effect})


@pytest.fixture
def drilled(monkeypatch):
    """Run the drill on a system; return its result and what it said."""

    def drill(system: System, aborts: bool = False, **wanted: Any) -> tuple[DrillResult, list[str]]:
        said: list[str] = []

        class Watch:
            def __call__(self) -> bool:
                return aborts

            def sleep_until(self, end: float) -> None:
                system.go_on()

        def under(context: DrillContext, disturb: Any) -> DrillResult:
            done = disturb(said.append, Watch())
            return DrillResult((Check("hypothesis", "not aborted", not done.aborted, ""),))

        monkeypatch.setattr(under_load, "run", under)
        state: Any = SimpleNamespace()
        context = DrillContext(drill_file(**wanted), Path("/shop/journeys.py"), system, state)  # type: ignore[arg-type]
        return canary.DRILL.run(context), said

    return drill


def drill_file(**wanted: Any) -> DrillFile:
    load = {"journey": "order", "rate": 10}
    file = DrillFile(drill=1, title="New", kind="canary", load=load)
    # What does not come is not waited for.
    given = Canary(**{"service": "web", "weights": (10, 50), "ready": "1ms", **wanted})
    return file.model_copy(update={"canary": given})


PROMOTED, TAKEN_BACK = (
    "the new version of web is promoted",
    "the new version of web is taken back",
)
THERE, ENOUGH = "the new version of web takes requests", "each analysis run had enough requests"
ERRORS, SLOW = Defect(errors=20), Defect(delay="900ms")


@pytest.mark.parametrize(
    ("system", "defect", "verdict", "wrong"),
    [
        (System(), None, Verdict.PASS, []),
        # What a real new version does wrong decides as a defect would; only nobody asked for it.
        (System(failed=0.3), None, Verdict.FAIL, [PROMOTED]),
        (System(took_s=0.7), None, Verdict.FAIL, [PROMOTED]),
        (System(state="failed"), None, Verdict.FAIL, [THERE]),
        (System(), ERRORS, Verdict.PASS, []),
        (System(), SLOW, Verdict.PASS, []),
        # One error in 20 requests at 10 percent is more than one in a hundred; in none, it is not.
        (System(), Defect(errors=0.1), Verdict.FAIL, [TAKEN_BACK]),
        (System(has_defect=False), ERRORS, Verdict.INVALID, ["the defect was there", TAKEN_BACK]),
        # A machine on which the stable version is slow, too, says nothing of the new one.
        (
            System(took_s=0.7, stable_took_s=0.6),
            None,
            Verdict.INVALID,
            ["the stable version held the same limits beside it", PROMOTED],
        ),
        (
            System(many=0),
            None,
            Verdict.INVALID,
            [ENOUGH, PROMOTED],
        ),
        (System(many=50), None, Verdict.INVALID, [ENOUGH, PROMOTED]),
        (
            System(skew=1.7),
            None,
            Verdict.INVALID,
            ["the new version got its share of the requests"],
        ),
        (
            System(state="failed"),
            ERRORS,
            Verdict.INVALID,
            [THERE],
        ),
    ],
)
def test_what_a_new_version_does_decides(drilled, system, defect, verdict, wrong):
    result, _ = drilled(system, defect=defect)
    assert result.verdict is verdict, result.checks
    assert broken(result) == wrong


def test_weights_are_gone_through_and_the_bad_one_gets_none(drilled):
    system = System()
    _, said = drilled(system)
    assert system.shares == [0.1, 0.5, 1.0]
    well = "requests, success 100 %, p99 50 ms"
    assert said[1] == f"10 %: 20 {well}; stable: 180 {well}"
    bad = System()
    result, said = drilled(bad, defect=ERRORS)
    assert bad.shares == [0.1, 0.1, 0.0]
    assert said[-1] == "taken back: it gets no request"
    assert result.checks[-1].measured.endswith("until then it got 40 requests and failed 8")


def test_blue_and_green_is_all_at_once_and_back_again(drilled):
    system = System()
    result, _ = drilled(system, weights=(100,), failures=1)
    assert (result.verdict, system.shares) == (Verdict.PASS, [1.0, 1.0])
    bad = System()
    result, _ = drilled(bad, weights=(100,), failures=1, defect=ERRORS)
    assert (result.verdict, bad.shares) == (Verdict.PASS, [1.0, 0.0])


def test_a_drill_that_is_aborted_decides_nothing_and_sends_it_no_more(drilled):
    system = System()
    result, _ = drilled(system, aborts=True)
    assert (result.verdict, system.shares) == (Verdict.FAIL, [0.0])


def test_a_version_is_started_from_another_file_with_other_variables(drilled):
    system = System()
    drilled(system, version={"file": "../next/tarmac.yaml", "env": {"COLOUR": "green"}})
    assert system.started == ("web", "/next/tarmac.yaml", {"COLOUR": "green"})


def test_a_canary_is_explained_in_plain_words():
    said = list(explain.sentences(drill_file(), canary.DRILL))
    assert said[1] == (
        "10 visits `order` begin per second, and after 5s a new version of web gets 10, 50 % of "
        "its requests, 5s each."
    )
