"""What a gate must say; the one thing that a file in this folder imports from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Protocol

from tarmac.artifact import Artifact
from tarmac.model.system import System
from tarmac.plan.cluster import ClusterPlan
from tarmac.report import Finding, Level


class Files(Protocol):
    """Files as they stand, whoever wrote them: all that a gate may ask that needs no plan."""

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All of them."""

    @property
    def today(self) -> date:
        """The day for which they are judged."""

    @property
    def folder(self) -> Path | None:
        """Where they are on disk."""

    def objects(self, *kinds: str) -> tuple[Artifact, ...]:
        """List the Kubernetes objects of these kinds; of all without."""


@dataclass(frozen=True)
class Folder:
    """What a gate looks at where nothing was planned: the files that somebody keeps."""

    artifacts: tuple[Artifact, ...]
    today: date
    folder: Path | None = None

    def objects(self, *kinds: str) -> tuple[Artifact, ...]:
        """List the Kubernetes objects of these kinds; of all without."""
        return _of(self._by_kind, kinds)

    @cached_property
    def _by_kind(self) -> dict[str, list[Artifact]]:
        return _by_kind(self.artifacts)


@dataclass(frozen=True)
class Subject:
    """What a gate looks at: one system in one environment, planned and rendered."""

    system: System
    plan: ClusterPlan
    artifacts: tuple[Artifact, ...]
    #: The day for which it is judged: what has an end of life is judged by it.
    today: date
    #: The rendered tree on disk, for programs of others; None where it was not written.
    folder: Path | None = None
    #: The most memory that a workload was seen to take, in bytes, by its name.
    measured: Mapping[str, float] = field(default_factory=dict)
    #: The seconds of the pipeline's steps for a change of one service, as they were measured.
    seconds: Mapping[str, float] = field(default_factory=dict)

    def at(self, *path: str) -> str:
        """Find the place in the model of something that this environment says."""
        whole = ("environments", self.plan.environment)
        found = self.system.locate((*whole, *path), key=True)
        absent = found == self.system.locate(whole)
        return str(self.system.locate(whole, key=True) if absent else found)

    def objects(self, *kinds: str) -> tuple[Artifact, ...]:
        """List the Kubernetes objects of these kinds; of all without."""
        return _of(self._by_kind, kinds)

    @cached_property
    def _by_kind(self) -> dict[str, list[Artifact]]:
        return _by_kind(self.artifacts)


def _by_kind(artifacts: Iterable[Artifact]) -> dict[str, list[Artifact]]:
    found: dict[str, list[Artifact]] = {}
    for each in artifacts:
        if "apiVersion" in each.data:
            found.setdefault(str(each.data.get("kind")), []).append(each)
    return found


def _of(by_kind: Mapping[str, list[Artifact]], kinds: tuple[str, ...]) -> tuple[Artifact, ...]:
    if not kinds:
        return tuple(each for found in by_kind.values() for each in found)
    return tuple(each for kind in kinds for each in by_kind.get(kind, ()))


@dataclass(frozen=True)
class Gate:
    """One check, for which no single tool of others has all that is needed."""

    #: Three letters and three digits: `NET001`.
    id: str
    #: What holds when it passes, as a sentence.
    title: str
    phase: str
    #: Why it is asked: a document, or what goes wrong without it.
    source: str
    #: Yields what is wrong. Raises Skip where it cannot be made.
    check: Callable[[Subject], Iterable[Finding]]
    #: What it reads, and what it cannot see, in a sentence or two.
    looks_at: str = ""
    #: How far a pass proves what it looked at.
    level: Level = Level.TESTED
    #: What an environment must be of for it to be asked: see `target` of an environment.
    targets: tuple[str, ...] = ("cluster", "compose")
    #: The same of files that nobody planned, with the line where it is wrong (`verify --files`);
    #: None: it compares with a plan.
    of_files: Callable[[Files], Iterable[Finding]] | None = None
