"""What a gate declares; the only module of this folder that a gate imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Protocol

from tarmac.artifact import Artifact
from tarmac.gates.views.file_shapes import fitted
from tarmac.model.system import System
from tarmac.plan.cluster import ClusterPlan
from tarmac.report import Finding, Level


class Files(Protocol):
    """Files as they are, of any origin: all that a gate without a plan needs."""

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All of them, without what does not fit the shape of its kind."""

    @property
    def raw(self) -> tuple[Artifact, ...]:
        """All of them as they were read."""

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
    """What a gate judges without a plan: files as they were written."""

    #: What does not fit the shape of its kind is left out of them; see `gates/views/shapes.py`.
    artifacts: tuple[Artifact, ...]
    today: date
    folder: Path | None = None
    #: As they were read.
    raw: tuple[Artifact, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", self.artifacts)
        object.__setattr__(self, "artifacts", tuple(map(fitted, self.raw)))

    def objects(self, *kinds: str) -> tuple[Artifact, ...]:
        """List the Kubernetes objects of these kinds; of all without."""
        return _of(self._by_kind, kinds)

    @cached_property
    def _by_kind(self) -> dict[str, list[Artifact]]:
        return _by_kind(self.artifacts)


@dataclass(frozen=True)
class Subject:
    """What a gate judges: one system in one environment, planned and rendered."""

    system: System
    plan: ClusterPlan
    #: What does not fit the shape of its kind is left out of them; see `gates/views/shapes.py`.
    artifacts: tuple[Artifact, ...]
    #: The day for which it is judged: what has an end of life is judged by it.
    today: date
    #: The rendered tree on disk, for external programs; None where it was not written.
    folder: Path | None = None
    #: The most memory that a workload was seen to take, in bytes, by its name.
    measured: Mapping[str, float] = field(default_factory=dict)
    #: The seconds of the pipeline's steps for a change of one service, as they were measured.
    seconds: Mapping[str, float] = field(default_factory=dict)
    #: As they were rendered or read.
    raw: tuple[Artifact, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", self.artifacts)
        object.__setattr__(self, "artifacts", tuple(map(fitted, self.raw)))

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
    for artifact in artifacts:
        if artifact.is_object and {"apiVersion", "kind"} <= artifact.data.keys():
            found.setdefault(str(artifact.data["kind"]), []).append(artifact)
    return found


def _of(by_kind: Mapping[str, list[Artifact]], kinds: tuple[str, ...]) -> tuple[Artifact, ...]:
    if not kinds:
        return tuple(artifact for found in by_kind.values() for artifact in found)
    return tuple(artifact for kind in kinds for artifact in by_kind.get(kind, ()))


@dataclass(frozen=True)
class Scope:
    """What a gate judges, as a number of things; with none of them the gate does not apply."""

    #: What is counted, in the plural: `ports`, `alerts`.
    unit: str
    count: Callable[[Subject], int]
    #: The same of files without a plan, for a gate that judges them.
    of_files: Callable[[Files], int] | None = None


@dataclass(frozen=True)
class Gate:
    """One check, for which no single external tool has all the inputs."""

    #: Three capital letters and three digits: `NET001`.
    id: str
    #: What holds when it passes, as a sentence.
    title: str
    phase: str
    #: The reason for it: a document, or what goes wrong without it.
    source: str
    #: Yields what is wrong. Raises Skip where it cannot run.
    check: Callable[[Subject], Iterable[Finding]]
    #: How many things of its kind there are; a gate that judged none has proven nothing.
    scope: Scope
    #: What it reads, and what it cannot see, in a sentence or two.
    reads: str = ""
    #: The external program that it runs on the tree on disk; empty: it is Tarmac's own.
    program: str = ""
    #: How far a pass proves what it looked at.
    level: Level = Level.TESTED
    #: The targets of environments to which it applies: see `target` of an environment.
    targets: tuple[str, ...] = ("cluster", "compose")
    #: The same of files without a plan, with the line where it is wrong (`verify --files`);
    #: None: it compares with a plan.
    of_files: Callable[[Files], Iterable[Finding]] | None = None
