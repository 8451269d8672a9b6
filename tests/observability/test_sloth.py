"""Our burn-rate alerts decide as Sloth's do: another's rules of the same objectives are the oracle.

What differs on purpose, and is no decision:
- With no traffic Sloth's share is NaN, and there is none while nothing has ever failed; ours is 1,
  all good.
- Sloth has one alert of a severity for two pairs of windows, ours is one of a pair and names them.
- Our windows of days are summed up from what was recorded over 5 minutes: a ticket may begin so
  much later than Sloth's (`replayed.FOLDED_LAG_S`). Pages are within one evaluation.
"""

from __future__ import annotations

import copy

import pytest
from rendered import ENVIRONMENTS, plan_of
from replayed import Replay, Stretch, ours, pairs_of_sloth, replay, theirs

from tarmac.base.report import Skip
from tarmac.base.written import duration
from tarmac.check.gates.views import programs
from tarmac.render.observability.alerting import slo_rules
from tarmac.render.observability.alerting.promtool import sample

HOUR_S, DAY_S = 3600, 86400
#: Just above and just below a threshold.
OVER, UNDER = 1.02, 0.98
#: By system, service and objective; a system's environments differ by names only.
OBJECTIVES = {
    f"{system}/{objective.name}": (plan_of(system, environment), objective)
    for system, environment in dict(ENVIRONMENTS).items()
    for objective in slo_rules.measured(plan_of(system, environment))
    if objective.kind == "availability"
}
#: The strictest. The others' thresholds are the same factors of another budget, held for all.
STRICTEST = "shop/api_availability"
NOBODY, TICKET, BOTH = frozenset(()), frozenset({"ticket"}), frozenset({"page", "ticket"})


def program(name):
    try:
        return programs.find(name)
    except Skip as missing:
        pytest.skip(str(missing))


def steady(allowed):
    """List courses that are the same in every window from the first minute on."""
    told = {0.5: NOBODY, UNDER: NOBODY, OVER: TICKET, 5: TICKET, 8: BOTH, 20: BOTH}
    return [
        Replay(f"{rate} times the budget", (Stretch(rate * allowed, 1200),), who)
        for rate, who in told.items()
    ]


def burns(allowed):
    """List, for each pair, burns just above and below its factor, with a clean past and an end.

    The past is so long that a burn just below is told to nobody by the next pair of the same
    severity. Longer windows are looked at by a slower clock, three steps in the short one or more;
    decisions are compared at each step.
    """
    courses = {
        # factor: past, burn, end; who hears of it above and below; the clock
        14.4: (6 * HOUR_S, HOUR_S + 600, HOUR_S, BOTH, TICKET, 60),
        6: (HOUR_S, 6 * HOUR_S + 600, HOUR_S, BOTH, TICKET, 300),
        3: (3 * DAY_S, DAY_S, 3 * HOUR_S, TICKET, NOBODY, 2400),
        1: (6 * HOUR_S, 3 * DAY_S, 7 * HOUR_S, TICKET, NOBODY, 2400),
    }
    found = []
    for factor, (past_s, burn_s, end_s, above, below, clock_s) in courses.items():
        for part, told in ((OVER, above), (UNDER, below)):
            bad = Stretch(factor * part * allowed, burn_s)
            course = (Stretch(0, past_s), bad, Stretch(0, end_s))
            found.append(Replay(f"{part} of a factor of {factor}", course, told, clock_s))
    return found


def spikes(allowed):
    """List courses that come and go."""
    clean = Stretch(0, 3 * HOUR_S)
    outage = (clean, Stretch(1, 600), Stretch(0, 2 * HOUR_S))
    flapping = (clean, *((Stretch(0.1, 120), Stretch(0, 1080)) * 6), Stretch(0, HOUR_S))
    night = (
        clean,
        Stretch(30 * allowed, 2 * HOUR_S, traffic=0.01),
        Stretch(2 * allowed, 2 * HOUR_S),
        Stretch(20 * allowed, HOUR_S, traffic=3),
        Stretch(0, HOUR_S),
    )
    return [
        Replay("ten minutes of nothing but failures, and the time after", outage, BOTH),
        Replay("two minutes in each twenty", flapping, BOTH),
        Replay("a night of few requests and a day of many", night, BOTH),
    ]


@pytest.fixture
def rules(tmp_path):
    def of(name):
        plan, objective = OBJECTIVES[name]
        return ours(plan, objective), theirs(program("sloth"), tmp_path, plan, objective)

    return of


def test_every_system_has_an_objective_here():
    systems = {name.partition("/")[0] for name in OBJECTIVES}
    assert systems == {"hello-dd", "shop", "starter", "trading", "travel"}
    assert len(OBJECTIVES) == 6


@pytest.mark.parametrize("name", OBJECTIVES)
def test_sloth_has_the_same_windows_factors_and_severities(name, rules):
    objective = OBJECTIVES[name][1]
    pairs = {
        (
            {"critical": "page", "warning": "ticket"}[pair.severity],
            duration(pair.long_s),
            duration(pair.short_s),
            pair.factor,
            objective.budget,
        )
        for pair in objective.pairs
    }
    assert pairs == pairs_of_sloth(rules(name)[1])
    assert len(pairs) == 4


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_steady_burn_is_told_to_the_same_people(name, rules, tmp_path):
    objective = OBJECTIVES[name][1]
    said = replay(program("promtool"), tmp_path, objective, rules(name), steady(objective.budget))
    assert said == ""


@pytest.mark.parametrize("kind", [burns, spikes])
def test_each_decision_is_sloths_within_one_evaluation(kind, rules, tmp_path):
    objective = OBJECTIVES[STRICTEST][1]
    said = replay(
        program("promtool"), tmp_path, objective, rules(STRICTEST), kind(objective.budget)
    )
    assert said == ""


@pytest.mark.parametrize(
    ("course", "told", "sloths"),
    [
        ((Stretch(0.01, HOUR_S), Stretch(0, 3 * HOUR_S, traffic=0)), BOTH, "is NaN"),
        ((Stretch(0, HOUR_S),), NOBODY, "is none"),
    ],
    ids=["nobody asks any more", "nothing has ever failed"],
)
def test_numbers_differ_where_decisions_do_not(course, told, sloths, rules, tmp_path):
    end_s = sum(stretch.lasts_s for stretch in course)
    share = "slo:sli_error:ratio_rate5m"
    nan = f"count({share} != {share})"
    asked, wanted = {"is NaN": (nan, "{}"), "is none": (share, "")}[sloths]
    numbers = [
        sample(end_s, asked, wanted, 1),
        sample(end_s, "max(slo:api_availability:ratio_rate5m)", "{}", 1),
    ]
    objective = OBJECTIVES[STRICTEST][1]
    given = (program("promtool"), tmp_path, objective, rules(STRICTEST))
    assert replay(*given, [Replay(sloths, course, told)], numbers) == ""


#: What is changed in our rules, and in which course it must be noticed.
CHANGED = {
    "a factor": ("> 14.4 *", "> 13.4 *", "0.98 of a factor of 14.4"),
    "a budget": ("* 0.0005", "* 0.0004", "0.98 times the budget"),
    "a short window": ("ratio_rate5m{", "ratio_rate30m{", "two minutes in each twenty"),
    "a long window": ("ratio_rate1h{", "ratio_rate2h{", "1.02 of a factor of 14.4"),
    "a severity": ("critical", "warning", "8 times the budget"),
    "what is bad": ("5..", "4..|5..", "0.5 times the budget"),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_rule_of_ours_that_is_changed_no_longer_agrees(change, rules, tmp_path):
    old, new, name = CHANGED[change]
    objective = OBJECTIVES[STRICTEST][1]
    own, other = rules(STRICTEST)
    changed = copy.deepcopy(own)
    for group in changed:
        for rule in group["rules"]:
            rule["expr"] = rule["expr"].replace(old, new)
            if "severity" in rule["labels"]:
                rule["labels"]["severity"] = rule["labels"]["severity"].replace(old, new)
    assert changed != own
    every = [*steady(objective.budget), *burns(objective.budget), *spikes(objective.budget)]
    course = [row for row in every if row.name.startswith(name)]
    assert len(course) == 1
    said = replay(program("promtool"), tmp_path, objective, (changed, other), course)
    assert "FAILED" in said
