"""What gates read beside a tree: measurements, other forms of its objects, what its model renders.

Each is a type of its own, which `Subject.given` returns; without arguments it is empty. What a
cluster has is in `live`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tarmac.base.artifact import Artifact


@dataclass(frozen=True)
class Form:
    """One more form of an environment's objects: what its overlays build, or what its charts give.

    The plain objects of the tree are another; a cluster follows one of them.
    """

    #: For a reader: `the overlay`.
    title: str
    artifacts: tuple[Artifact, ...]
    #: Where it deletes an object of its base, by kind and name.
    deleted: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Forms:
    """All forms that are built of the tree on disk."""

    built: tuple[Form, ...] = ()


@dataclass(frozen=True)
class Original:
    """The files as the model renders them, with the edits that are kept as patches."""

    #: Without those that are ejected: their owner edits them.
    artifacts: tuple[Artifact, ...] = ()
    #: What a reader types to render them again; empty where the tree is what the model renders.
    command: str = ""
    #: Files that are as they were rendered before the model changed, or a renderer did.
    outdated: frozenset[str] = frozenset()
    #: Files whose edits are kept: those with a patch, and those that are ejected.
    kept: frozenset[str] = frozenset()
    #: How many files of the tree are not what the model renders.
    differing: int = 0


@dataclass(frozen=True)
class MemoryUse:
    """The most memory that each service was seen to take, in bytes, by its name."""

    bytes_of: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StepSeconds:
    """The seconds of the pipeline's steps for a change of one service, as they were measured."""

    by_step: Mapping[str, float] = field(default_factory=dict)
