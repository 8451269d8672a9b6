"""A checklist: what a phase must show, item by item, the proofs, and its suppressions.

`checklist.yaml` and `suppressions.yaml` stand beside `tarmac.yaml`. The command line reads them;
gates are joined to them by id and know nothing of them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tarmac.base.errors import Problem, did_you_mean
from tarmac.base.written import shown
from tarmac.model.document import Document
from tarmac.model.value import Name, StrictModel

Levels = Literal["rendered", "valid", "tested", "planned", "applied", "observed"]
#: What is missing where an item or a requirement is not shown whole.
Needs = Literal["cluster", "cloud", "person", "later phase"]


def _date(value: object) -> object:
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"is {shown(value)}; write a date, e.g. 2027-01-31") from None


def _words(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; write a short text")
    return " ".join(value.split())


def _place(value: str) -> str:
    is_path = "://" not in value and not re.match(r"\s*$|[/~\\]|[A-Za-z]:", value)
    # No credentials stand in an address.
    if is_path or re.fullmatch(r"https://[^\s@/]+(/\S*)?", value):
        return value
    raise ValueError(
        f"is {shown(value)}; write a file's path from this folder, or an address with https://"
    )


Date = Annotated[dt.date, BeforeValidator(_date, json_schema_input_type=str)]
Words = Annotated[str, AfterValidator(_words)]
EvidencePlace = Annotated[str, AfterValidator(_place)]


class Proof(StrictModel):
    """A proof of an item: one of the four."""

    gate: str | None = Field(default=None, description="A gate's id; in every environment.")
    test: str | None = Field(default=None, description="A pytest node: FILE::NAME.")
    bench: str | None = Field(default=None, description="A file of figures.")
    drill: str | None = Field(default=None, description="A drill of the system, by its name.")
    level: Levels = Field(
        default="tested", description="The level that a test or benchmark proves."
    )
    target: str = Field(default="local", description="The target that it covers.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [
            reference for reference in (self.gate, self.test, self.bench, self.drill) if reference
        ]
        if len(given) != 1:
            raise ValueError(
                f"has {len(given)} of `gate`, `test`, `bench` and `drill`; give exactly one"
            )
        return self

    @property
    def what(self) -> str:
        """Name it as its evidence does: `gate:NET001`."""
        kinds = (("gate", self.gate), ("test", self.test), ("bench", self.bench))
        return next((f"{kind}:{it}" for kind, it in kinds if it), f"drill:{self.drill}")


class Attestation(StrictModel):
    """What a person observed where no gate looks; it is valid until a day."""

    what: Words = Field(description="What was done, and its result.")
    day: Date = Field(description="The day of the observation.")
    by: Words = Field(description="The person to ask about it.")
    evidence: EvidencePlace = Field(
        description="The record: a file, relative to this folder, or an https address."
    )
    until: Date = Field(description="The last day on which it counts.")
    target: Name = Field(description="The observed target: cluster, cloud.")
    level: Levels = Field(default="observed", description="The level that it proves.")

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.until < self.day:
            raise ValueError(
                f"ends on {self.until}, before its day ({self.day}); write a later end"
            )
        return self


class ChecklistItem(StrictModel):
    """One item."""

    id: str
    phase: str
    title: str
    requirements: tuple[str, ...] = Field(
        default=(), description="Requirements of proofs.yaml, which has their proofs and levels."
    )
    proofs: tuple[Proof, ...] = ()
    attestation: tuple[Attestation, ...] = Field(
        default=(), description="Manual attestations, for what only a cluster or a cloud can show."
    )
    needs: Needs | None = Field(
        default=None, description="What is missing before all of it can be shown."
    )
    command: str = Field(default="", description="The command that shows it where it runs.")
    note: str = Field(default="", description="What the proofs leave open.")


class Checklist(StrictModel):
    """What stands in `checklist.yaml`."""

    checklist: Literal[1] = Field(description="The format's version.")
    about: str = ""
    items: tuple[ChecklistItem, ...]


class Suppression(StrictModel):
    """A known finding that is suppressed until a day."""

    gate: str
    where: str = Field(default="*", description="A pattern of the finding's place: k8s/legacy/*")
    what: str = Field(default="*", description="A pattern of its text: *port 9000*")
    reason: str = ""
    until: Date | None = None


class SuppressionFile(StrictModel):
    """What stands in `suppressions.yaml`."""

    suppressions: tuple[Suppression, ...] = ()
    protected: tuple[str, ...] = Field(
        default=(), description="Gates whose findings no comment suppresses."
    )


def problems(
    checklist: Checklist,
    document: Document,
    gates: Collection[str],
    phases: Collection[str],
    requirements: Collection[str] = (),
) -> Iterator[Problem]:
    """Yield contradictions of a checklist: repeated ids, unknown phases, gates and requirements.

    Args:
        requirements: those of `proofs.yaml`; none: there is no such file.
    """
    seen: set[str] = set()
    for index, item in enumerate(checklist.items):
        at = ("items", index)
        if item.id in seen:
            where = str(document.locate((*at, "id")))
            yield Problem(where, f"item '{item.id}' occurs twice; choose another id")
        seen.add(item.id)
        if item.phase not in phases:
            hint = did_you_mean(item.phase, phases)
            where = str(document.locate((*at, "phase")))
            yield Problem(where, f"item {item.id} has unknown phase '{item.phase}'; {hint}")
        for number, name in enumerate(item.requirements):
            if requirements and name not in requirements:
                where = str(document.locate((*at, "requirements", number)))
                hint = did_you_mean(name, requirements)
                yield Problem(where, f"item {item.id} names unknown requirement '{name}'; {hint}")
        recorded = requirements and item.requirements
        if not item.proofs and not item.attestation and not recorded and item.needs is None:
            yield Problem(
                str(document.locate((*at, "id"))),
                f"item {item.id} has no proofs; name one, add an attestation under "
                "`attestation`, or write what it `needs` (cluster, cloud, person, later phase)",
            )
        for number, proof in enumerate(item.proofs):
            if proof.gate and proof.gate not in gates:
                where = str(document.locate((*at, "proofs", number, "gate")))
                hint = did_you_mean(proof.gate, gates)
                yield Problem(where, f"item {item.id} names unknown gate '{proof.gate}'; {hint}")
            if proof.test and "::" not in proof.test:
                where = str(document.locate((*at, "proofs", number, "test")))
                yield Problem(where, f"'{proof.test}' is not a test; write FILE::NAME")


def invalid_attestations(
    checklist: Checklist, document: Document, today: dt.date, is_file: Callable[[str], bool]
) -> Iterator[Problem]:
    """Yield invalid attestations: of a future day, or without a record.

    Args:
        today: the day that is judged.
        is_file: tells whether there is a file at a path from the checklist's folder.
    """
    for index, item in enumerate(checklist.items):
        for number, attestation in enumerate(item.attestation):
            at = ("items", index, "attestation", number)
            if attestation.day > today:
                yield Problem(
                    str(document.locate((*at, "day"))),
                    f"item {item.id} is attested on {attestation.day}, which is after {today} "
                    "(UTC); write the actual day",
                )
            if "://" not in attestation.evidence and not is_file(attestation.evidence):
                yield Problem(
                    str(document.locate((*at, "evidence"))),
                    f"file '{attestation.evidence}' does not exist; create it, or "
                    "correct the path, relative to the folder of this file",
                )
