"""A label has another value, where it is given or where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from mutants.mutant import Mutant, data_of, exchanged, parts
from tarmac.base.artifact import Artifact

_HOLDERS = ("labels", "matchLabels", "selector")


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    for path, value in parts(data) if data is not None else ():
        if isinstance(value, str) and len(path) > 1 and path[-2] in _HOLDERS:
            yield exchanged("label", artifact, path, value, f"{value}-old")
