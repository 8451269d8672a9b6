"""Paths that a Dockerfile copies by a variable, and that are there when it is empty."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.on_disk import on_disk


def is_there_without(files: Files, dockerfile: Artifact, one: Instruction, name: str) -> bool:
    """Tell whether what is copied is there with an empty variable before it: `${SRC}/app`."""
    begin = re.compile(rf"\$(?:\{{{name}\}}|{name}\b)/")
    asked = [begin.sub("", word) for word in one.operands[:-1] if begin.match(word)]
    if one.word not in ("COPY", "ADD") or not asked:
        return False
    above = PurePosixPath(dockerfile.path).parents
    return all(any(_is_there(files, str(folder / path)) for folder in above) for path in asked)


def _is_there(files: Files, path: str) -> bool:
    place = on_disk(files, path)
    return place is not None and place.exists()
