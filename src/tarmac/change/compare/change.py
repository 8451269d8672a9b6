"""Differences of two sides, and their assessments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

from tarmac.change.compare.wording import listed

Verb = Literal["added", "removed", "changed"]


class Risk(IntEnum):
    """How much harm a change can do; the higher, the earlier it is read."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """How it is written."""
        return self.name.lower()


@dataclass(frozen=True, order=True)
class Key:
    """What a fact is about."""

    #: Its kind, e.g. `edge`; `JUDGES` has one entry for each.
    what: str
    #: The workload, store or external that it is about; the system itself for what is all of its.
    subject: str
    #: Which one of that kind, e.g. a variable's name.
    name: str = ""


@dataclass(frozen=True)
class Fact:
    """A fact of one side."""

    value: Any
    #: Where the model says so: `file:line:col`.
    place: str = field(default="", compare=False)


Facts = Mapping[Key, Fact]


@dataclass(frozen=True)
class Difference:
    """A fact that differs between the sides, or is on one side only."""

    key: Key
    old: Fact | None
    new: Fact | None

    @property
    def verb(self) -> Verb:
        """Whether it was added, removed or changed."""
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"

    @property
    def values(self) -> tuple[Any, Any]:
        """Both values; None where there is none."""
        return (self.old and self.old.value), (self.new and self.new.value)


@dataclass(frozen=True)
class RiskAssessment:
    """What a difference means."""

    risk: Risk
    #: What is different, to be read after the subject's name: `replicas 3 -> 2`.
    fact: str
    #: What can come of it.
    why: str = ""
    #: What ends the fact: addresses, say; several of one fact are told together.
    at: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Change:
    """A difference in words; the same one of several subjects and environments is one change."""

    told: RiskAssessment
    what: str
    verb: Verb
    system: str
    subjects: tuple[str, ...]
    environments: tuple[str, ...]
    #: What exactly: variables, files, hosts; empty where the subject says it all.
    names: tuple[str, ...] = ()
    old: str | None = None
    new: str | None = None
    #: Where the model says so: `file:line:col`, of what is gone on the old side.
    places: tuple[str, ...] = ()

    @property
    def fact(self) -> str:
        """What is different, to be read after the subjects' names."""
        return f"{self.told.fact} {listed(self.told.at)}".rstrip()


@dataclass(frozen=True)
class Comparison:
    """All that is different between two sides, the riskiest first."""

    base: str
    head: str
    #: System -> the environments that were compared.
    systems: Mapping[str, tuple[str, ...]]
    #: System -> its services on both sides.
    services: Mapping[str, frozenset[str]]
    changes: tuple[Change, ...]
    #: What could not be compared, and why.
    notes: tuple[str, ...] = ()

    def of(self, risk: Risk) -> tuple[Change, ...]:
        """The changes of one risk."""
        return tuple(change for change in self.changes if change.told.risk is risk)

    @property
    def counts(self) -> dict[str, int]:
        """How many changes there are of each risk, the highest first."""
        return {risk.word: len(self.of(risk)) for risk in sorted(Risk, reverse=True)}


def differences(old: Facts, new: Facts) -> tuple[Difference, ...]:
    """List the facts that differ, in the order of their keys."""
    keys = sorted({*old, *new})
    return tuple(
        Difference(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)
    )


def as_data(found: Comparison) -> dict[str, Any]:
    """Write a comparison for programs. `schema` grows with every change that could break one.

    A change has `risk` (high, medium, low), `what` (route, edge, scale ...), `verb` (added,
    removed, changed), `system`, `environments`, `subjects`, `names`, `fact`, `why`, `old` and
    `new` (text, or null where there was none) and `places` (`file:line:col` of the model).
    """
    return {
        "schema": 1,
        "base": found.base,
        "head": found.head,
        "systems": {name: list(environments) for name, environments in found.systems.items()},
        "counts": found.counts,
        "changes": [
            {
                "risk": change.told.risk.word,
                "what": change.what,
                "verb": change.verb,
                "system": change.system,
                "environments": list(change.environments),
                "subjects": list(change.subjects),
                "names": list(change.names),
                "fact": change.fact,
                "why": change.told.why,
                "old": change.old,
                "new": change.new,
                "places": list(change.places),
            }
            for change in found.changes
        ],
        "notes": list(found.notes),
    }
