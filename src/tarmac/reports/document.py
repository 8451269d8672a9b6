"""A report as plain data: sections of sentences, claims, tables, steps and plots. A leaf."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from tarmac.base.report import Status

#: What makes a section fail; any other status but PASS leaves it open.
BAD = (Status.FAIL, Status.ERROR)


@dataclass(frozen=True)
class Claim:
    """A sentence that claims something, with its proof."""

    text: str
    status: Status
    #: How far it is proven, and of what: `tested@tree`; empty where nothing is proven.
    reached: str = ""
    #: Each proof in words: `test NODE: passed on 2026-11-26`.
    proofs: tuple[str, ...] = ()
    #: What is missing, where it is not shown.
    missing: str = ""
    #: What would show it.
    commands: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """Say the level and the target behind the sentence; empty where nothing is proven."""
        if not self.reached:
            return ""
        return f" ({'' if self.status is Status.PASS else 'so far '}{self.reached})"


@dataclass(frozen=True)
class Paragraph:
    """Sentences."""

    text: str


@dataclass(frozen=True)
class Claims:
    """Claims one after another."""

    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Table:
    """Rows of cells below a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Step:
    """Something to do, with its commands."""

    text: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Steps:
    """What is done one after another, by number."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Plot:
    """A picture of figures that a table beside it has as well."""

    drawing: Element
    about: str


@dataclass(frozen=True)
class Link:
    """Another page beside this one."""

    text: str
    page: str


@dataclass(frozen=True)
class Links:
    """Pages to go on to."""

    links: tuple[Link, ...]


Block = Paragraph | Claims | Table | Steps | Plot | Links


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it."""

    title: str
    blocks: tuple[Block, ...]
    #: PASS, FAIL or OPEN; empty: it claims nothing.
    verdict: str = ""


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    #: Name -> value: the system, the day, the model.
    facts: tuple[tuple[str, str], ...]
    #: The answer in a sentence or two.
    summary: str
    sections: tuple[Section, ...]


def verdict(statuses: Iterable[Status]) -> str:
    """Judge a section by the statuses of its claims: PASS only where all pass, and there are some.

    Returns:
        PASS, FAIL, or OPEN where nothing failed and something is not shown.
    """
    found = set(statuses)
    if found & set(BAD):
        return "FAIL"
    return "PASS" if found == {Status.PASS} else "OPEN"
