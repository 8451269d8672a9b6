"""Two neighbours in a list, or two lines of a text, are in the other order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mutants.mutant import Mutant, lines_of, word_of
from tarmac.base.artifact import Artifact

#: Texts that are carried out from top to bottom.
_ORDERED = ("Dockerfile", ".sh", ".sql", ".gitignore")


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    lines = lines_of(artifact) if artifact.path.endswith(_ORDERED) else []
    for number in range(len(lines) - 1):
        one, other = lines[number], lines[number + 1]
        plain = all(line.strip() and line[0] not in " #\\-}" for line in (one, other))
        if plain and one != other and not one.endswith(("\\", "(", ",")):
            said = f"`{other.strip()}` comes before `{one.strip()}`"[:140]
            text = partial(_reordered, lines, number)
            yield Mutant("order", f"{word_of(one)}+{word_of(other)}", said, text)


def _reordered(lines: list[str], number: int) -> tuple[str]:
    new = [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]]
    return ("\n".join(new) + "\n",)
