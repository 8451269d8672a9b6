"""What a check found, and how far a proof reaches; `cli` and the reporters print it.

A leaf: gates and drills return these and print nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum


class Level(IntEnum):
    """How far something is proven; a lower level never counts as a higher one."""

    #: A file is there.
    RENDERED = 1
    #: Its schema, or the tool that reads it, accepts it.
    VALID = 2
    #: A policy, rule or plan test passed on it.
    TESTED = 3
    #: A real API server took it, or an emulator that is named.
    APPLIED = 4
    #: It ran, and was measured.
    OBSERVED = 5


class Status(Enum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    #: A tool or a run is missing: nothing is known.
    SKIPPED = "skipped"
    #: It was proven of something else than what is there today.
    STALE = "stale"
    #: What can be known here is; the rest is shown by a cloud account only.
    NEEDS_CLOUD = "needs-cloud"
    #: Nothing proves it yet.
    NOT_YET = "not-yet"


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong."""

    #: `file:line:col` of the model where the cause is there, else the artifact's path.
    where: str
    #: What is wrong (the value); what to do.
    what: str
    #: The gate's id.
    gate: str = ""
    #: It does not make the check fail.
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Skip(Exception):
    """A check cannot be made here; the text says what is missing and how to get it."""


@dataclass(frozen=True)
class ByHand:
    """Who says so, where no program looked."""

    who: str
    #: The day on which they saw it, and the last one on which it counts.
    day: str
    until: str


@dataclass(frozen=True)
class Result:
    """What came of one check: a gate in one environment, a test, a figure."""

    #: `gate:NET001`, `test:tests/e2e/test_shop.py::test_...`, `bench:bench/bench_up.py`; `seen:DAY`
    #: where a person looked.
    what: str
    title: str
    phase: str
    status: Status
    level: Level
    #: What it looked at: `tree`, `local`.
    target: str
    environment: str = ""
    findings: tuple[Finding, ...] = ()
    #: What is missing, where nothing is known.
    why: str = ""
    #: The file with the evidence, or its address.
    evidence: str = ""
    #: The person whose word it is; None: a program ran.
    by_hand: ByHand | None = None

    @property
    def reached(self) -> str:
        """How far it proves what: `tested@tree`; `observed@cluster by hand`."""
        return f"{self.level.name.lower()}@{self.target}{' by hand' if self.by_hand else ''}"


@dataclass(frozen=True)
class Box:
    """A line of a checklist, and what proves it today."""

    id: str
    phase: str
    title: str
    #: Where the checklist says so.
    place: str
    status: Status
    #: The lowest that its proofs reach; empty where none passed.
    reached: str = ""
    why: str = ""
    proofs: tuple[Result, ...] = ()
    #: What closes it; empty where it passes.
    remedy: str = ""


@dataclass(frozen=True)
class Report:
    """Everything that one `verify` found, for a reporter to write."""

    system: str
    environments: tuple[str, ...]
    #: The day for which it was judged.
    today: str
    results: tuple[Result, ...]
    boxes: tuple[Box, ...] = ()
    #: What is wrong with the suppressions themselves.
    remarks: tuple[Finding, ...] = ()
    #: What would be a finding, and the reason why it is none.
    suppressed: tuple[tuple[Finding, str], ...] = field(default=())
    #: It was asked whether every box passes: one that does not fails it all.
    ready: bool = False

    @property
    def open(self) -> tuple[Box, ...]:
        """The boxes that do not pass."""
        return tuple(each for each in self.boxes if each.status is not Status.PASS)

    @property
    def unready(self) -> tuple[Finding, ...]:
        """Every open box as a finding, where it was asked for."""
        return tuple(map(as_finding, self.open)) if self.ready else ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding once, in the order of places."""
        found = (finding for result in self.results for finding in result.findings)
        return tuple(sorted({*found, *self.remarks}))

    def passed(self, *, strict: bool) -> bool:
        """Tell whether nothing failed; if strict, also whether all was known."""
        bad = {Status.FAIL, *((Status.SKIPPED, Status.STALE) if strict else ())}
        statuses = {each.status for each in self.results} | {each.status for each in self.boxes}
        failed = statuses & bad or self.unready
        return not failed and all(each.warning for each in self.remarks)


def as_finding(box: Box) -> Finding:
    """Say of an open box where it stands, and what closes it."""
    what = f"box {box.id} ({box.title}) is {box.status.value}; {box.remedy}"
    return Finding(box.place, what, "checklist")


def count_open(report: Report) -> str:
    """Say how many boxes are open, of how many."""
    number = len(report.open)
    return f"{number} of {len(report.boxes)} boxes {'is' if number == 1 else 'are'} open"
