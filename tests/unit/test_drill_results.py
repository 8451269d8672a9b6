"""How a drill decides: what makes it valid, and what it then shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from hdrh.histogram import HdrHistogram

from tarmac.catalog.faults.kill import Kill
from tarmac.catalog.faults.pause import Pause
from tarmac.drill.drill import Check, DrillContext, DrillResult, Event, Period, Verdict
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.kinds import ramp
from tarmac.drill.load.process import Visits
from tarmac.drill.report import junit
from tarmac.drill.running import checks, under_load
from tarmac.drill.running.method import carry_out
from tarmac.drill.running.recovery import recovered_after


def check(about, holds: bool = True) -> Check:
    return Check(about, "what", holds, "measured")


@pytest.mark.parametrize(
    ("setup", "fault", "hypothesis", "verdict"),
    [
        (True, True, True, Verdict.PASS),
        (True, True, False, Verdict.FAIL),
        # What was not there, or could not be measured, shows nothing: neither good nor bad.
        (True, False, True, Verdict.INVALID),
        (True, False, False, Verdict.INVALID),
        (False, True, True, Verdict.INVALID),
        (False, True, False, Verdict.INVALID),
    ],
)
def test_what_is_not_valid_shows_nothing(setup, fault, hypothesis, verdict):
    made = (check("setup", setup), check("fault", fault), check("hypothesis", hypothesis))
    assert DrillResult(made).verdict is verdict


def test_nothing_checked_is_not_passed():
    assert DrillResult(()).verdict is Verdict.INVALID


def visits(good: int = 10, failed: int = 0, ms: float = 10.0) -> Visits:
    durations = HdrHistogram(1, 600_000_000, 3)
    durations.record_value(int(ms * 1000), good + failed)
    return Visits(good, Counter({"no": failed} if failed else {}), durations, 0.0)


GOOD, FAILED, SLOW, NONE = visits(), visits(9, 1), visits(ms=31), visits(0)


@pytest.mark.parametrize(
    ("seconds", "since", "recovered"),
    [
        ([GOOD] * 5, 1, 1),
        ([GOOD, FAILED, FAILED, GOOD, GOOD, GOOD], 1, 3),
        ([GOOD, FAILED, GOOD, GOOD, FAILED, GOOD, GOOD, GOOD], 1, 5),
        ([GOOD, SLOW, GOOD, GOOD, GOOD], 1, 2),
        ([GOOD, NONE, GOOD, GOOD, GOOD], 1, 2),  # none came: nothing says that they went well
        ([GOOD, FAILED, GOOD, GOOD], 1, None),  # too short to say so
        ([GOOD, FAILED, FAILED, FAILED], 1, None),
        ([GOOD, *[FAILED] * 10, GOOD, GOOD, GOOD], 1, 11),
        ([GOOD, *[FAILED] * 11, GOOD, GOOD, GOOD], 1, None),  # later than within ten seconds
    ],
)
def test_a_recovery_is_some_seconds_in_a_row_as_before(seconds, since, recovered):
    expected = None if recovered is None else recovered - since
    assert recovered_after(seconds, GOOD, last_s=since, limit_s=10) == expected


@pytest.mark.parametrize(
    ("share", "written"), [(1, "100 %"), (0.999999, "99.999 %"), (0.5, "50 %"), (0, "0 %")]
)
def test_a_share_that_is_not_all_never_reads_as_all(share, written):
    assert checks._percent(share) == written


class Running:
    """A target on which nothing is done but noted."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def find(self, name: str) -> tuple[str, ...]:
        return (name,)

    def send(self, names, signal: str) -> dict[str, int]:
        self.sent += names
        return dict.fromkeys(names, 1)

    def instances(self) -> tuple[()]:
        return ()


def test_an_aborted_method_begins_no_further_fault_and_says_so():
    target = Running()
    steps = [
        Kill(fault="kill", on="a"),
        Kill.model_validate({"fault": "kill", "on": "b", "at": "5m"}),
    ]
    done = carry_out(target, steps, say=lambda _: None, is_aborted=lambda: bool(target.sent))
    assert target.sent == ["a"]
    assert done.aborted
    assert [sighting.present for sighting in done.sightings] == [True, False]


def test_what_fails_on_the_way_undoes_what_was_begun():
    undone = []

    class Pausing(Running):
        def pause(self, names) -> dict[str, list[int]]:
            return {name: [1] for name in names}

        def resume(self, names) -> None:
            undone.extend(names)

        def send(self, names, signal: str) -> dict[str, int]:
            raise OSError("gone")

    steps = [Pause(fault="pause", on="a"), Kill(fault="kill", on="b")]
    with pytest.raises(OSError, match="gone"):
        carry_out(Pausing(), steps, say=lambda _: None, is_aborted=lambda: False)
    assert undone == ["a"]


def test_ci_shows_each_rule_with_what_was_measured():
    rules = [
        check("hypothesis"),
        Check("hypothesis", "visits succeed", False, "98 % of 50", "99 %"),
        Check("fault", "kill on a was there", False, "<none> was killed"),
    ]
    journal = {
        "system": "shop",
        "drill": "a-kill",
        "started": "2026-11-22T10:00:00+00:00",
        "checks": [asdict(rule) for rule in rules],
    }
    suite = fromstring(junit.as_xml(journal).encode())
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    good, failed, unproven = suite
    assert good.findtext("system-out") == "measured"
    assert failed.find("failure").get("message") == "98 % of 50 (asked: 99 %)"
    assert unproven.find("error").get("message") == "<none> was killed"
    assert unproven.get("classname") == "shop.a-kill.fault"


def test_a_ramp_ends_at_the_first_step_that_does_not_pass(monkeypatch):
    steps = tuple(Kill(fault="kill", on=name) for name in "abc")
    asked = []

    def run(context: DrillContext) -> DrillResult:
        (step,) = context.file.method
        asked.append(step.on)
        checks = (check("fault"), check("hypothesis", holds=step.on != "b"))
        event, second = Event(0.5, f"kill on {step.on}"), (1, 0, 0.1)
        period = Period("before", 0, 1, 1, 1, Counter(), 0.1, 0.1, 0.1)
        return DrillResult(checks, (event,), (period,), 1.5, (second, second))

    monkeypatch.setattr(under_load, "run", run)
    load = {"journey": "order", "rate": 1}
    file = DrillFile(drill=1, title="Light to heavy", load=load).model_copy(
        update={"method": steps}
    )
    said = []
    result = ramp.DRILL.run(DrillContext(file, Path(), Running(), None, said.append))
    assert asked == ["a", "b"]
    assert result.verdict is Verdict.FAIL
    assert [c.what for c in result.checks if not c.holds] == ["2. kill on b: what"]
    assert [event.at_s for event in result.events] == [0.5, 2.5]
    assert [(p.name, p.first_s) for p in result.periods] == [
        ("1. kill on a: before", 0),
        ("2. kill on b: before", 2),
    ]
    assert said[-1] == "FAIL at 2. kill on b; 1 more were not tried"
