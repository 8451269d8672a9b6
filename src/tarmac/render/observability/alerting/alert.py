"""An alert as data.

The alerts themselves are in assets/alerts and, of what one kind of store alone measures, in
assets/stores; `catalogue` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tarmac.model.observability import Severity


@dataclass(frozen=True)
class InputSeries:
    """One input series of a rule's test: its value in each minute, nan where there is none.

    Of a counter: the increase in each.
    """

    series: str
    #: While nothing is wrong.
    fine: float
    #: While it is.
    bad: float | None = None
    #: Just not bad enough.
    edge: float | None = None
    counter: bool = False


@dataclass(frozen=True)
class RuleTest:
    """The test of an alert: series with which it fires, and those with which it must not."""

    series: tuple[InputSeries, ...]
    #: The labels that its series has besides those that the rule gives.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: The value as the annotations show it.
    shown: str = ""
    #: Minutes until the expression holds, and until it no longer does.
    late_m: int = 0
    lasts_m: int = 0
    #: Minutes before anything is wrong, of an alert that compares with them; None: a few.
    before_m: int | None = None


Language = Literal["run", "promql", "sql", "see"]


@dataclass(frozen=True)
class Step:
    """One place to look at: what it shows, and the command or query."""

    show: str
    command: str
    #: Where it is entered: a shell, Prometheus, psql; `see` is a place without a command.
    language: Language


@dataclass(frozen=True)
class Runbook:
    """What the person on call needs to know when it fires."""

    meaning: str
    impact: str
    diagnosis: tuple[Step, ...]
    causes: tuple[str, ...]
    mitigation: tuple[str, ...]
    escalation: str


@dataclass(frozen=True)
class Alert:
    """One alert of one system in one environment."""

    name: str
    severity: Severity
    expr: str
    #: Minutes for which the expression must hold.
    for_m: int
    summary: str
    description: str
    runbook: Runbook
    test: RuleTest
    #: Whose alert it is, where the expression's own label does not say so.
    service: str = ""
    #: It may be a store's, which has no dashboard of its own.
    overview: bool = False
