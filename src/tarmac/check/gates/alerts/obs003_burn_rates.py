"""Burn-rate alerts look at windows and factors that fit each other and the budget."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.base.written import seconds
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.queries import Query, queries
from tarmac.check.gates.views.scope import counted
from tarmac.plan.slo import budget, indicator

_RATIO = re.compile(
    r"1 - slo:(\w+):ratio_rate(\w+?)(?:\{[^}]*\})? > ([\d.]+) \* ([\d.]+)", re.ASCII
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield burn-rate alerts whose numbers do not fit their objective."""
    objectives = {indicator.name(measured): measured for measured in subject.plan.objectives}
    for query, terms in _alerts(subject):
        objective = objectives[terms[0][0]]
        yield from _pair(query, terms, budget.budget(objective), objective.window)


def _pair(
    query: Query, terms: list[tuple[str, ...]], allowed: float, window_s: float
) -> Iterator[Finding]:
    (_, long, factor, share), (_, short, other, _) = terms
    long_s, short_s = round(seconds(long)), round(seconds(short))
    if round(long_s * budget.SHORT) != short_s:
        wanted = round(long_s * budget.SHORT / 60)
        what = f"{query.title}: the short window ({short}) is not a twelfth of {long}"
        yield Finding(query.path, f"{what}; write {wanted}m")
    if factor != other:
        what = f"{query.title}: its windows have different burn rates ({factor}, {other})"
        yield Finding(query.path, f"{what}; write {factor} for both")
    if abs(float(share) - allowed) > 1e-9:
        what = f"{query.title}: the objective's budget is {allowed:g} and not {share}"
        yield Finding(query.path, f"{what}; write {factor} * {allowed:g}")
    if float(factor) * allowed >= 1:
        what = (
            f"{query.title}: {factor} times {allowed:g} is more than 100% of requests, so it never"
        )
        yield Finding(query.path, f"{what} fires; remove the pair")
    fitting = {pair.long_s: pair.factor for pair in budget.pairs(window_s)}
    right = fitting.get(long_s)
    if right is None or abs(right - float(factor)) > 1e-6:
        known = ", ".join(f"{value:g} for {at / 3600:g}h" for at, value in fitting.items())
        what = f"{query.title}: a burn rate of {factor} does not fit {long}"
        yield Finding(query.path, f"{what}; write one of {known}")


def _alerts(subject: Subject) -> Iterator[tuple[Query, list[tuple[str, ...]]]]:
    """Yield the alerts on two burn rates of one objective, each with its terms."""
    names = {indicator.name(objective) for objective in subject.plan.objectives}
    for query in queries(subject):
        terms = _RATIO.findall(query.expr)
        if query.alert is not None and len(terms) == 2 and terms[0][0] in names:
            yield query, terms


GATE = Gate(
    id="OBS003",
    title="Burn rates match window and budget; short windows are a twelfth",
    phase="observability",
    source="The Site Reliability Workbook, chapter 5, table 5-8",
    check=check,
    scope=counted("burn-rate alerts", _alerts),
    reads="alerts of two terms `1 - slo:NAME:ratio_rateWINDOW > FACTOR * BUDGET` on objectives "
    "of the model.",
)
