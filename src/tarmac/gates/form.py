"""Another form of an environment's objects, which `verify` builds and gates compare."""

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
