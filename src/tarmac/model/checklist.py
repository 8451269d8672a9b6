"""A checklist: what a phase must show, box by box, and what proves each; with its suppressions.

`checklist.yaml` and `suppressions.yaml` stand beside `tarmac.yaml`. The command line reads them;
gates are joined to them by id and know nothing of them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tarmac.errors import Problem, did_you_mean
from tarmac.model.document import Document
from tarmac.model.value import Name, Strict, shown

Levels = Literal["rendered", "valid", "tested", "applied", "observed"]


def _date(value: object) -> object:
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"is {shown(value)}; write a date, e.g. 2027-01-31") from None


def _words(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; write it in some words")
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


class Proof(Strict):
    """What shows that a box is true: one of the four."""

    gate: str | None = Field(default=None, description="A gate's id; in every environment.")
    test: str | None = Field(default=None, description="A pytest node: FILE::NAME.")
    bench: str | None = Field(default=None, description="A file of figures.")
    drill: str | None = None
    level: Levels = Field(default="tested", description="How far a test or figure proves it.")
    target: str = Field(default="local", description="What it looks at.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [each for each in (self.gate, self.test, self.bench, self.drill) if each]
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


class Seen(Strict):
    """What a person saw where no program of ours looks; it holds until a day."""

    what: Words = Field(description="What was done, and what came of it.")
    day: Date = Field(description="When it was seen.")
    by: Words = Field(description="Who saw it, and can be asked.")
    evidence: EvidencePlace = Field(
        description="Where it is written down: a file, from this folder, or an https address."
    )
    until: Date = Field(description="The last day on which it counts.")
    target: Name = Field(description="What they looked at: cluster, cloud.")
    level: Levels = Field(default="observed", description="How far it proves the box.")

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.until < self.day:
            raise ValueError(
                f"ends on {self.until}, before its day ({self.day}); write a later end"
            )
        return self


class CheckBox(Strict):
    """One box."""

    id: str
    phase: str
    title: str
    requirements: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    seen: tuple[Seen, ...] = Field(
        default=(), description="What people saw: of what only a cluster or a cloud can show."
    )
    needs: Literal["cloud", "later phase"] | None = Field(
        default=None, description="What has to be there before all of it can be shown."
    )
    note: str = Field(default="", description="What the proofs leave open.")


class Checklist(Strict):
    """What stands in `checklist.yaml`."""

    checklist: Literal[1] = Field(description="The format's version.")
    about: str = ""
    boxes: tuple[CheckBox, ...]


class Suppression(Strict):
    """A finding that is known and borne, until a day."""

    gate: str
    where: str = Field(default="*", description="A pattern of the finding's place: k8s/legacy/*")
    what: str = Field(default="*", description="A pattern of its text: *port 9000*")
    reason: str = ""
    until: Date | None = None


class Suppressions(Strict):
    """What stands in `suppressions.yaml`."""

    suppressions: tuple[Suppression, ...]


def problems(
    checklist: Checklist, document: Document, gates: Collection[str], phases: Collection[str]
) -> Iterator[Problem]:
    """Yield what a checklist says that cannot be: boxes of one id, gates that are not there."""
    seen: set[str] = set()
    for index, box in enumerate(checklist.boxes):
        at = ("boxes", index)
        if box.id in seen:
            where = str(document.locate((*at, "id")))
            yield Problem(where, f"box '{box.id}' occurs twice; choose another id")
        seen.add(box.id)
        if box.phase not in phases:
            hint = did_you_mean(box.phase, phases)
            where = str(document.locate((*at, "phase")))
            yield Problem(where, f"box {box.id} has unknown phase '{box.phase}'; {hint}")
        if not box.proofs and not box.seen and box.needs is None:
            yield Problem(
                str(document.locate((*at, "id"))),
                f"box {box.id} has no proofs; name one, write who has `seen` it, or say what it "
                "`needs` (cloud, later phase)",
            )
        for number, proof in enumerate(box.proofs):
            if proof.gate and proof.gate not in gates:
                where = str(document.locate((*at, "proofs", number, "gate")))
                hint = did_you_mean(proof.gate, gates)
                yield Problem(where, f"box {box.id} names unknown gate '{proof.gate}'; {hint}")
            if proof.test and "::" not in proof.test:
                where = str(document.locate((*at, "proofs", number, "test")))
                yield Problem(where, f"'{proof.test}' is no test; write FILE::NAME")


def unfounded(
    checklist: Checklist, document: Document, today: dt.date, is_file: Callable[[str], bool]
) -> Iterator[Problem]:
    """Yield what nobody can have seen: on a day to come, or written down in no file.

    Args:
        today: the day that is judged.
        is_file: tells whether there is a file at a path from the checklist's folder.
    """
    for index, box in enumerate(checklist.boxes):
        for number, seen in enumerate(box.seen):
            at = ("boxes", index, "seen", number)
            if seen.day > today:
                yield Problem(
                    str(document.locate((*at, "day"))),
                    f"box {box.id} was seen on {seen.day}, which is after {today} (UTC); write the "
                    "day on which it was",
                )
            if "://" not in seen.evidence and not is_file(seen.evidence):
                yield Problem(
                    str(document.locate((*at, "evidence"))),
                    f"there is no file '{seen.evidence}'; write down there what was seen, or "
                    "correct the path, which begins in the folder of this file",
                )
