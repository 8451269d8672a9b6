"""What an image does to a folder comes before the VOLUME that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages, words
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.scope import counted_in_files

#: What changes files or folders that it names.
_CHANGES = re.compile(
    r"(?:^|&&|;|\|\||\bthen\b|\bdo\b)\s*(chown|chmod|mkdir|touch|cp|mv|ln|install)\b"
)
_COMMANDS = re.compile(r"&&|;|\|\|")


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that change a volume after it is declared."""
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content))[-1:]:
            declared: dict[str, int] = {}
            for one in stage.instructions:
                lost = next((v for v in declared if _is_changed(one, v)), None)
                if lost is not None:
                    what = f"changes {lost}, which line {declared[lost]} declares as a VOLUME"
                    said = f"{what}: a builder without BuildKit drops that, and the folder stays"
                    where = f"{dockerfile.path}:{one.line}"
                    yield Finding(where, f"{said} as it was; do it before", warning=True)
                    break
                if one.word == "VOLUME":
                    declared |= dict.fromkeys(_paths(one), one.line)


def _paths(one: Instruction) -> list[str]:
    written = [word.strip("\"'") for word in words(one.rest)]
    return [normpath(path) for path in written if path.startswith("/") and "$" not in path]


def _is_changed(one: Instruction, volume: str) -> bool:
    """Tell whether a step changes a folder, or what is in it."""
    if one.word != "RUN":
        return False
    for command in _COMMANDS.split(one.rest):
        named = [word.strip("\"'").rstrip("/") for word in command.split()]
        is_named = any(word == volume or word.startswith(f"{volume}/") for word in named[1:])
        if is_named and _CHANGES.match(command.strip()):
            return True
    return False


def _judged(files: Files) -> Iterator[Instruction]:
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content))[-1:]:
            yield from (one for one in stage.instructions if one.word == "VOLUME" and _paths(one))


GATE = Gate(
    id="IMG052",
    title="What an image does to a folder comes before the VOLUME that is there",
    phase="containers",
    source="https://docs.docker.com/reference/dockerfile/#notes-about-specifying-volumes: what "
    "later steps change in a volume, the legacy builder discards, and BuildKit keeps",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("volumes of images", _judged),
    reads="VOLUME and RUN of the last stage: chown, chmod, mkdir and others that name a place at "
    "or below a volume. Which builder is used is not known, so all are warnings.",
)
