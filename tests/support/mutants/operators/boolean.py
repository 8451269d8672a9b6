"""What is true is false, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from mutants.mutant import Mutant, data_of, exchanged, lines_of, parts, retexted
from tarmac.base.artifact import Artifact

_OTHER = {"true": "false", "false": "true"}


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    for path, value in parts(data) if data is not None else ():
        if isinstance(value, bool):
            yield exchanged("boolean", artifact, path, value, not value)
        elif isinstance(value, str) and value in _OTHER:
            yield exchanged("boolean", artifact, path, value, _OTHER[value])
    for number, line in enumerate(lines_of(artifact)):
        start, sign, value = line.rpartition("= ")
        if sign and value.strip() in _OTHER:
            yield retexted("boolean", artifact, number, [start + sign + _OTHER[value.strip()]])
