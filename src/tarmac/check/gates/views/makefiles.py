"""Makefiles: their targets, what each needs first, and what it does."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once

_NAMES = ("Makefile", "GNUmakefile", "makefile")
_RULE = re.compile(r"^([A-Za-z][\w./-]*)[ \t]*:(?![:=])[ \t]*([^#=]*)(#.*)?$")


class MakeRule(NamedTuple):
    """A target of a Makefile, by the line where it is written."""

    name: str
    line: int
    needs: tuple[str, ...]
    recipe: str


@once
def makefiles(files: Files) -> Iterator[Artifact]:
    """Yield the files that make reads by themselves."""
    for artifact in files.artifacts:
        if posixpath.basename(artifact.path) in _NAMES:
            yield artifact


def make_rules(text: str) -> Iterator[MakeRule]:
    """Yield the rules of a Makefile; one target may have several."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if head := _RULE.match(line):
            recipe: list[str] = []
            for below in lines[number:]:
                if not below.startswith("\t"):
                    break
                recipe.append(below)
            yield MakeRule(head[1], number, tuple(head[2].split()), "\n".join(recipe))
