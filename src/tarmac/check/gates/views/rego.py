"""Rego as gates read it: the text of Gatekeeper's templates and of files, with its first line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items
from tarmac.check.gates.subject import Files

_COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True)
class Rego:
    """One text of Rego, its comments blanked."""

    path: str
    text: str
    #: The line of the file that its first line is; 0 where that is not known.
    first: int

    def at(self, offset: int) -> str:
        """Return where a place of the text is."""
        return (
            f"{self.path}:{self.first + self.text.count(chr(10), 0, offset)}"
            if self.first
            else self.path
        )


def regos(files: Files) -> Iterator[Rego]:
    """Yield every policy in Rego."""
    for artifact in files.artifacts:
        if isinstance(artifact.content, str):
            if artifact.path.endswith(".rego"):
                yield _rego(artifact.path, artifact.content, 1)
        elif artifact.data.get("kind") == "ConstraintTemplate":
            yield from of_template(artifact)


def of_template(artifact: Artifact) -> Iterator[Rego]:
    """Yield the policies of a ConstraintTemplate."""
    for number, target in enumerate(items(artifact.data, "spec", "targets")):
        base: tuple[str | int, ...] = ("spec", "targets", number)
        places = [(*base, "rego")]
        for index, _ in enumerate(items(target, "code")):
            places.append((*base, "code", index, "source", "rego"))
        for place in places:
            if isinstance(text := dig(artifact.data, *place), str):
                path, _, line = artifact.at(*place).rpartition(":")
                # A block's text begins below its key.
                yield _rego(path or artifact.path, text, int(line) + 1 if path else 0)


def _rego(path: str, text: str, first: int) -> Rego:
    return Rego(path, _COMMENT.sub(lambda found: " " * len(found[0]), text), first)
