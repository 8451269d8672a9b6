"""Objectives judged from counts: which alert fires when, and when it clears."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.model.objective import Objective
from tarmac.plan.slo import budget, live
from tarmac.plan.slo.live import Counts
from tarmac.plan.slo.measured import MeasuredObjective

MINUTE_S, HOUR_S, DAY_S = budget.MINUTE_S, budget.HOUR_S, budget.DAY_S
#: Requests a second, all the time.
RATE = 10.0


def objective(**changes) -> MeasuredObjective:
    given = {"service": "api", "availability": 99.9} | changes
    return MeasuredObjective(Objective.model_validate(given), "shop")


class Trouble:
    """Requests that come evenly, of which a share is bad from one moment to another."""

    def __init__(self, share: float, began_s: float, ended_s: float = math.inf) -> None:
        self.share, self.began_s, self.ended_s = share, began_s, ended_s

    def at(self, now_s: float) -> live.Count:
        def count(window_s: float, ago_s: float) -> Counts:
            until_s = now_s - ago_s
            since_s = until_s - window_s
            bad_s = min(until_s, self.ended_s) - max(since_s, self.began_s)
            return Counts(RATE * window_s, RATE * self.share * max(0.0, bad_s))

        return count

    def states(self, measured: MeasuredObjective, minutes: range) -> dict[int, list[str]]:
        """Judge at each of these minutes; the state of each alert, in order."""
        return {
            minute: [a.state for a in live.judge(measured, self.at(minute * MINUTE_S)).alerts]
            for minute in minutes
        }


@pytest.mark.parametrize("share", [1.0, 0.2, 0.02])
def test_each_pair_fires_in_the_minute_that_the_workbook_gives_it_and_clears_in_its_own(share):
    measured = objective()
    ended_s = 4 * DAY_S
    trouble = Trouble(share, 0, ended_s)
    for place, pair in enumerate(measured.pairs):
        fires_s = budget.detection_s(pair, measured.budget, share)
        clears_s = budget.reset_s(pair, measured.budget, share)
        assert (fires_s is None) == (share <= budget.threshold(pair, measured.budget))
        for moment_s, before, after in (
            (fires_s, "inactive", "firing"),
            (None if clears_s is None else ended_s + clears_s, "firing", "inactive"),
        ):
            if moment_s is None:
                continue
            minute = math.floor(moment_s / MINUTE_S)
            seen = trouble.states(measured, range(minute, minute + 2))
            states = [seen[minute][place], seen[minute + 1][place]]
            # On the full minute it is at its limit, where nothing fires yet, or no more.
            assert states == [before if moment_s % MINUTE_S else states[0], after]


def test_an_alert_that_has_to_hold_is_pending_until_it_did():
    own = {"name": "Slow", "over": "5m", "below": 0.99, "for": "10m", "severity": "warning"}
    measured = objective(alerts=(own,))
    states = Trouble(1.0, 0).states(measured, range(15))
    changes = [minute for minute in range(1, 15) if states[minute][-1] != states[minute - 1][-1]]
    assert [states[minute][-1] for minute in (0, 1, 10, 11)] == [
        *("inactive", "pending", "pending", "firing")
    ]
    assert changes == [1, 11]


def test_a_budgets_own_alert_looks_at_what_is_left_of_it():
    own = {"name": "Gone", "of": "budget", "over": "1h", "below": 0.1, "for": "1s"}
    measured = objective(alerts=({**own, "severity": "warning"},))
    # 91 % of an hour's budget of 0.1 %.
    state = live.judge(measured, lambda _window_s, _ago_s: Counts(100_000, 91)).alerts[-1].state
    assert state == "firing"
    state = live.judge(measured, lambda _window_s, _ago_s: Counts(100_000, 89)).alerts[-1].state
    assert state == "inactive"


def test_without_a_request_nothing_failed_and_nothing_is_claimed():
    found = live.judge(objective(), lambda _window_s, _ago_s: Counts(0, 0))
    assert (found.good_share, found.budget_left, found.burns) == (None, 1, False)


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_budget_is_overspent_exactly_when_more_is_bad_than_the_target_allows(requests, bad):
    bad = min(bad, requests)
    measured = objective(availability=99.0)
    found = live.judge(measured, lambda _window_s, _ago_s: Counts(requests, bad))
    assert found.good_share == pytest.approx(1 - bad / requests)
    assert found.budget_left == pytest.approx(1 - bad / requests / 0.01)


def test_requests_of_probes_and_those_broken_off_are_neither_good_nor_bad():
    measured = objective()
    every, good = live.requests(measured), live.good(measured)
    assert every.metric == good.metric == "http_requests_total"

    def counted(route: str, status: str) -> tuple[bool, bool]:
        labels = {"route": route, "status": status}
        return every.wanted(labels), good.wanted(labels)

    assert counted("/orders/{id}", "201") == (True, True)
    assert counted("/orders/{id}", "404") == (True, True)
    assert counted("/orders/{id}", "503") == (True, False)
    for route, status in (("/health/ready", "503"), ("/metrics", "200"), ("/orders", "499")):
        assert counted(route, status) == (False, False)
    fast = live.good(objective(availability=None, latency="200ms"))
    assert fast.metric == "http_request_duration_seconds_bucket"
    labels = {"route": "/orders", "status": "200"}
    assert [fast.wanted({**labels, "le": le}) for le in ("0.2", "0.5", "+Inf")] == [
        *(True, False, False)
    ]


@pytest.mark.parametrize(("least", "too_few"), [(0, False), (36_000, False), (36_001, True)])
def test_with_fewer_requests_than_the_objective_asks_for_no_burn_fires(least, too_few):
    measured = objective(min_requests=least)
    alerts = live.judge(measured, Trouble(1.0, 0).at(DAY_S)).alerts
    by_window = {max(alert.burns): alert for alert in alerts}
    fast = by_window[HOUR_S]  # 10 requests a second are 36,000 in an hour
    assert (fast.too_few, fast.state) == (too_few, "inactive" if too_few else "firing")
    assert not by_window[DAY_S * 3].too_few
