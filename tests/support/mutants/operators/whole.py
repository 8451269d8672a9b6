"""A whole file is missing, or the same object is there twice."""

from __future__ import annotations

from collections.abc import Iterator

from mutants.mutant import Mutant
from tarmac.base.artifact import Artifact


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    yield Mutant("remove", "", "the file is gone", tuple)
    if artifact.is_object:
        yield Mutant("duplicate", "", "the object is there twice", lambda: (artifact.content,) * 2)
