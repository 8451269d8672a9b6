"""What a tree on disk is held beside: other forms of its objects, and what its model renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tarmac.artifact import Artifact


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
class Original:
    """The files as the model renders them, with the edits that are kept as patches."""

    #: Without those that are ejected: their owner edits them.
    artifacts: tuple[Artifact, ...]
    #: What a reader types to render them again.
    command: str
    #: Files that are as they were rendered before the model changed, or a renderer did.
    outdated: frozenset[str] = frozenset()
    #: How many files of the tree are not what the model renders.
    differing: int = 0
