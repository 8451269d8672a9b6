"""Two values of one mapping or list are exchanged: a minimum and a maximum, a name and a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from mutants.mutant import Mutant, Path, changed, data_of, parts, replaced
from tarmac.base.artifact import Artifact


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    for path, value in parts(data) if data is not None else ():
        if not isinstance(value, Mapping):
            continue
        scalars = [(key, part) for key, part in value.items() if isinstance(part, str | int)]
        for (one, first), (other, second) in pairwise(scalars):
            if type(first) is type(second) and first != second and one != "apiVersion":
                swap = partial(_swapped, path=path, one=one, other=other)
                said = f"{one} and {other} are exchanged"
                yield changed("swap", artifact, (*path, f"{one}+{other}"), swap, said)


def _swapped(data: Any, path: Path, one: str, other: str) -> Any:
    return replaced(data, path, lambda held: {**held, one: held[other], other: held[one]})
