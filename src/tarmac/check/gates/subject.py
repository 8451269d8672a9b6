"""What gates judge: files as they are, or a system in an environment, planned and rendered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from tarmac.base.artifact import Artifact
from tarmac.check.gates.views.compose.extended import extended
from tarmac.check.gates.views.examples import applied
from tarmac.check.gates.views.held_texts import held
from tarmac.check.gates.views.listing import Listing
from tarmac.check.gates.views.shapes.fitting import fitted

if TYPE_CHECKING:
    from tarmac.model.system import System
    from tarmac.plan.cluster import ClusterPlan

Input = TypeVar("Input")


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

    def pod_specs(self, *kinds: str) -> tuple[tuple[Artifact, tuple[str | int, ...]], ...]:
        """List where objects of these kinds, or of all, have the `spec` of pods."""

    def below(self, folder: str) -> tuple[Artifact, ...]:
        """List the files with these folders in their path: `a/b/c.yaml` is below a, b and a/b."""


@dataclass(frozen=True)
class Folder:
    """What a gate judges without a plan: files as they were written."""

    #: What does not fit the shape of its kind is left out of them; see `check/gates/views/shapes/`.
    artifacts: tuple[Artifact, ...]
    today: date
    folder: Path | None = None
    #: As they were read, without those that only a policy is tried with.
    raw: tuple[Artifact, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", applied(self.artifacts))
        own = extended(map(fitted, self.raw))
        object.__setattr__(self, "artifacts", (*own, *held(own)))

    def objects(self, *kinds: str) -> tuple[Artifact, ...]:
        """List the Kubernetes objects of these kinds; of all without."""
        return self._listing.objects(*kinds)

    def pod_specs(self, *kinds: str) -> tuple[tuple[Artifact, tuple[str | int, ...]], ...]:
        """List where objects of these kinds, or of all, have the `spec` of pods."""
        return self._listing.pod_specs(*kinds)

    def below(self, folder: str) -> tuple[Artifact, ...]:
        """List the files with these folders in their path."""
        return self._listing.below(folder)

    @cached_property
    def _listing(self) -> Listing:
        return Listing(self.artifacts)


@dataclass(frozen=True)
class Subject:
    """What a gate judges: one system in one environment, planned and rendered."""

    system: System
    plan: ClusterPlan
    artifacts: tuple[Artifact, ...]
    today: date
    folder: Path | None = None
    #: What was measured, built or read beside the tree, at most one of each type of `inputs`.
    inputs: tuple[object, ...] = ()
    raw: tuple[Artifact, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", applied(self.artifacts))
        own = tuple(map(fitted, self.raw))
        object.__setattr__(self, "artifacts", (*own, *held(own)))

    def given(self, kind: type[Input]) -> Input:
        """Return the input of a type; an empty one where none was given."""
        return next((one for one in self.inputs if isinstance(one, kind)), None) or kind()

    def at(self, *path: str) -> str:
        """Find the place in the model of something that this environment says."""
        whole = ("environments", self.plan.environment)
        found = self.system.locate((*whole, *path), key=True)
        absent = found == self.system.locate(whole)
        return str(self.system.locate(whole, key=True) if absent else found)

    def objects(self, *kinds: str) -> tuple[Artifact, ...]:
        """List the Kubernetes objects of these kinds; of all without."""
        return self._listing.objects(*kinds)

    def pod_specs(self, *kinds: str) -> tuple[tuple[Artifact, tuple[str | int, ...]], ...]:
        """List where objects of these kinds, or of all, have the `spec` of pods."""
        return self._listing.pod_specs(*kinds)

    def below(self, folder: str) -> tuple[Artifact, ...]:
        """List the files with these folders in their path."""
        return self._listing.below(folder)

    @cached_property
    def _listing(self) -> Listing:
        return Listing(self.artifacts)
