"""An object, or what it refers to, is in another namespace."""

from __future__ import annotations

from collections.abc import Iterator

from mutants.mutant import Mutant, data_of, exchanged, parts
from tarmac.base.artifact import Artifact


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    for path, value in parts(data) if data is not None else ():
        if isinstance(value, str) and path[-1] == "namespace":
            yield exchanged("namespace", artifact, path, value, "elsewhere")
