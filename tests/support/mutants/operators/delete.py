"""A part is missing: a key of a mapping or an item of a list, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mutants.mutant import Mutant, changed, data_of, lines_of, parts, retexted, without
from tarmac.base.artifact import Artifact


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    if data is not None:
        for path, _ in parts(data):
            yield changed("delete", artifact, path, partial(without, path=path), "is gone")
    for number, line in enumerate(lines_of(artifact)):
        if line.strip(" }])\n") and not line.lstrip().startswith(("#", "--")):
            yield retexted("delete", artifact, number, [])
