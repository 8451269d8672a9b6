"""What reports take from people: roles, weeks of the cut-over, decisions, accepted risks.

`reports.yaml` stands beside `tarmac.yaml`; `tarmac report` reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from tarmac.base.errors import Problem, did_you_mean
from tarmac.model.checklist import Date, Words
from tarmac.model.document import Document
from tarmac.model.value import StrictModel

#: What requirements are about, where a report has a section on it.
Topic = Literal["tls", "load", "chaos", "recovery", "security"]


class Role(StrictModel):
    """A role in a recovery."""

    role: Words = Field(description="The name of the role.")
    by: Words = Field(description="The team or the person that has it.")
    does: Words = Field(description="What it does in a recovery.")


class Stage(StrictModel):
    """A part of the plan that ends in the cut-over."""

    title: Words = Field(description="What is done.")
    weeks: tuple[int, int] = Field(description="Its first and its last week, from 1.")
    requirements: tuple[str, ...] = Field(
        default=(), description="Requirements of proofs.yaml that it has to show."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        first, last = self.weeks
        if not 1 <= first <= last:
            raise ValueError(f"has weeks {first} to {last}; write the first week, then the last")
        return self


class CutOver(StrictModel):
    """The plan of a cut-over."""

    starts: Date = Field(description="The first day of week 1.")
    stages: tuple[Stage, ...] = Field(min_length=1, description="One after another.")


class CostDecision(StrictModel):
    """What is decided about a line of the cost."""

    line: Words = Field(description="The line, as `tarmac cost` names it.")
    decision: Words = Field(description="What is decided, and why.")
    by: Words = Field(description="The team or the person that decided.")
    day: Date = Field(description="The day of the decision.")


class AcceptedRisk(StrictModel):
    """A requirement that is not shown, and whose risk is accepted until a day."""

    requirement: str = Field(description="A requirement of proofs.yaml.")
    reason: Words = Field(description="Why the risk is accepted.")
    by: Words = Field(description="The person that accepts it.")
    until: Date = Field(description="The last day on which it is accepted.")


class ReportData(StrictModel):
    """What stands in `reports.yaml`."""

    reports: Literal[1] = Field(description="The format's version.")
    topics: dict[Topic, tuple[str, ...]] = Field(
        default={}, description="Topic -> requirements of proofs.yaml."
    )
    roles: tuple[Role, ...] = Field(default=(), description="Roles in a recovery.")
    cutover: CutOver | None = Field(default=None, description="The weeks up to the cut-over.")
    decisions: tuple[CostDecision, ...] = Field(default=(), description="Decisions on the cost.")
    risks: tuple[AcceptedRisk, ...] = Field(default=(), description="Accepted risks.")

    @property
    def requirements(self) -> tuple[str, ...]:
        """Every requirement that is named, once."""
        named = [name for names in self.topics.values() for name in names]
        stages = self.cutover.stages if self.cutover else ()
        named += (name for stage in stages for name in stage.requirements)
        return tuple(dict.fromkeys([*named, *(risk.requirement for risk in self.risks)]))


def unknown_requirements(
    data: ReportData, document: Document, known: Collection[str]
) -> Iterator[Problem]:
    """Yield each requirement that is named and that `proofs.yaml` does not have."""
    places: list[tuple[tuple[str | int, ...], str]] = [
        (("topics", topic, number), name)
        for topic, names in data.topics.items()
        for number, name in enumerate(names)
    ]
    for index, stage in enumerate(data.cutover.stages if data.cutover else ()):
        at = ("cutover", "stages", index, "requirements")
        places += (((*at, number), name) for number, name in enumerate(stage.requirements))
    places += (
        (("risks", index, "requirement"), risk.requirement) for index, risk in enumerate(data.risks)
    )
    for place, name in places:
        if name not in known:
            where = str(document.locate(place))
            yield Problem(where, f"unknown requirement '{name}'; {did_you_mean(name, known)}")
