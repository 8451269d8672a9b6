"""What a check found, and how far a proof reaches; `cli` and the reporters print it.

A leaf: gates and drills return these and print nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from functools import cached_property
from operator import attrgetter

#: Of findings, the gravest first: an error fails the check; what is likely is told before warnings.
SEVERITIES = ("error", "likely", "warning")
_PLACE = re.compile(r"(?P<file>.+?)(?::(?P<line>\d+)(?::(?P<column>\d+))?)?")


class Level(IntEnum):
    """How far something is proven; a lower level never counts as a higher one."""

    #: A file is there.
    RENDERED = 1
    #: Its schema, or the tool that reads it, accepts it.
    VALID = 2
    #: A policy, rule or plan test passed on it.
    TESTED = 3
    #: A provider of Terraform planned it.
    PLANNED = 4
    #: A real API server took it, or an emulator that is named.
    APPLIED = 5
    #: It ran, and was measured.
    OBSERVED = 6


class Status(Enum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    #: The check itself broke: nothing is known, and Tarmac has a bug.
    ERROR = "error"
    #: A tool or a run is missing: nothing is known.
    SKIPPED = "skipped"
    #: It was proven of something else than what is there today.
    STALE = "stale"
    #: What can be known here is; the rest is shown by a cluster only.
    NEEDS_CLUSTER = "needs-cluster"
    #: The same by a cloud account, or another service of the internet.
    NEEDS_CLOUD = "needs-cloud"
    #: The same by a person.
    NEEDS_PERSON = "needs-person"
    #: Nothing proves it yet.
    NOT_YET = "not-yet"
    #: There was nothing of its kind to judge: it proves nothing, and nothing is missing.
    NOT_APPLICABLE = "not-applicable"

    @property
    def label(self) -> str:
        """Name it for a reader."""
        return self.value.replace("-", " ")


@dataclass(frozen=True)
class Fix:
    """What is to stand in the line of a finding: one scalar in place of another.

    Only for what no reader of the file takes as it stands, and that can mean one thing.
    """

    #: As it stands there, without quotes.
    old: str
    #: As YAML is written.
    new: str


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
    fix: Fix | None = field(default=None, compare=False)
    #: Of a warning: probably wrong, and these files alone do not prove it.
    likely: bool = False

    @property
    def severity(self) -> str:
        """Name how sure and how grave it is, one of SEVERITIES."""
        if not self.warning:
            return "error"
        return "likely" if self.likely else "warning"

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"

    @property
    def position(self) -> tuple[str, int | None, int | None]:
        """Split its place into file, line and column; None for what is not known."""
        match = _PLACE.fullmatch(self.where)
        if match is None:
            return self.where, None, None
        line, column = (int(part) if part else None for part in match.group("line", "column"))
        return match["file"], line, column


def of_gate(finding: Finding, gate: str) -> Finding:
    """Name the gate of a finding; `dataclasses.replace` takes ten times as long."""
    if finding.gate == gate:
        return finding
    where, what, fix = finding.where, finding.what, finding.fix
    return Finding(where, what, gate, finding.warning, fix, finding.likely)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by their places; in one step, where `sorted` compares each with several."""
    return tuple(sorted(findings, key=attrgetter("where", "what", "gate", "warning")))


class Skip(Exception):
    """A check cannot be made here; the text says what is missing and how to get it."""


@dataclass(frozen=True)
class AttestationTerms:
    """The person that attests a result, and the days on which that counts."""

    by: str
    #: The day of the observation, and the last one on which it counts.
    day: str
    until: str


@dataclass(frozen=True)
class Result:
    """What came of one check: a gate in one environment, a test, a figure."""

    #: `gate:NET001`, `test:tests/e2e/test_shop.py::test_...`, `bench:bench/bench_up.py`;
    #: `attestation:DAY` where a person looked.
    what: str
    title: str
    phase: str
    status: Status
    level: Level
    #: What it looked at: `tree`, `local`, `cluster`.
    target: str
    environment: str = ""
    findings: tuple[Finding, ...] = ()
    #: What is missing, where nothing is known.
    why: str = ""
    #: The file with the evidence, or its address.
    evidence: str = ""
    #: Of a person's observation; None: a program ran.
    attestation: AttestationTerms | None = None
    #: The day of a recorded run; empty: it ran now, or evidence of it is kept here.
    day: str = ""
    #: The command that repeats a recorded run.
    run: str = ""
    #: How many things a gate judged, and what they are.
    judged: int | None = None
    unit: str = ""
    #: Where a gate itself broke.
    traceback: str = ""

    @property
    def reached(self) -> str:
        """How far it proves what: `tested@tree`; `observed@cluster, attested`."""
        return f"{self.level.name.lower()}@{self.target}{', attested' if self.attestation else ''}"


@dataclass(frozen=True)
class ItemResult:
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
    #: The command that shows it where it runs.
    command: str = ""


@dataclass(frozen=True)
class Tree:
    """The files of an environment that were judged."""

    environment: str
    #: Where they are on disk; empty: they were rendered in memory.
    folder: str
    #: How many of them are not what the model renders today.
    differing: int = 0
    #: Of the kubeconfig, where what runs in a cluster was judged beside them.
    context: str = ""

    def __str__(self) -> str:
        if self.context:
            return f"{replace(self, context='')}; compared with cluster {self.context}"
        if not self.folder:
            return (
                f"{self.environment}: rendered in memory; `tarmac render --env "
                f"{self.environment}` writes the files, which gates with external programs need"
            )
        if self.differing:
            return (
                f"{self.environment}: {self.folder}, {self.differing} of its files differ "
                "from what the model renders today; `tarmac render --check` names them"
            )
        return f"{self.environment}: {self.folder}, as the model renders it"


@dataclass(frozen=True)
class Report:
    """Everything that one `verify` found, for a reporter to write."""

    system: str
    environments: tuple[str, ...]
    #: The day for which it was judged.
    today: str
    results: tuple[Result, ...]
    items: tuple[ItemResult, ...] = ()
    #: What is wrong with the suppressions themselves.
    remarks: tuple[Finding, ...] = ()
    #: What would be a finding, and the reason why it is none.
    suppressed: tuple[tuple[Finding, str], ...] = field(default=())
    #: It was asked whether every item passes: one that does not fails it all.
    ready: bool = False
    #: What was judged of each environment.
    trees: tuple[Tree, ...] = ()

    @property
    def open(self) -> tuple[ItemResult, ...]:
        """The items that do not pass."""
        return tuple(item for item in self.items if item.status is not Status.PASS)

    @property
    def unready(self) -> tuple[Finding, ...]:
        """Every open item as a finding, where it was asked for."""
        return tuple(map(as_finding, self.open)) if self.ready else ()

    @property
    def nothing_applied(self) -> bool:
        """Tell whether files were judged, and no gate found anything of its kind in them."""
        of_files = {result.status for result in self.results if result.target == "files"}
        return of_files == {Status.NOT_APPLICABLE}

    @property
    def nothing_judged(self) -> str:
        """Say of files in which no gate found anything of its kind what to do."""
        return (
            f"{self.system}: no gate found input here; name a "
            "folder with Kubernetes objects, workflows, Dockerfiles, Terraform or rules"
        )

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding once, in the order of places."""
        found = (finding for result in self.results for finding in result.findings)
        return in_order({*found, *self.remarks})

    def passed(self, *, strict: bool) -> bool:
        """Tell whether nothing failed; if strict, also whether all was known."""
        bad = {Status.FAIL, Status.ERROR}
        bad |= {Status.SKIPPED, Status.STALE} if strict else set()
        statuses = {result.status for result in self.results} | {item.status for item in self.items}
        failed = statuses & bad or self.unready or self.nothing_applied
        return not failed and all(remark.warning for remark in self.remarks)

    def has_any(self, severity: str) -> bool:
        """Tell whether a finding is of a severity, or graver."""
        grave = SEVERITIES[: SEVERITIES.index(severity) + 1]
        return any(finding.severity in grave for finding in self.findings)


def as_finding(item: ItemResult) -> Finding:
    """Say of an open item where it stands, and what closes it."""
    what = f"checklist item {item.id} ({item.title}) is open ({item.status.value}); {item.remedy}"
    return Finding(item.place, what, "checklist")


def count_open(report: Report) -> str:
    """Return how many checklist items are open, of how many."""
    number = len(report.open)
    return f"{number} of {len(report.items)} checklist items {'is' if number == 1 else 'are'} open"
