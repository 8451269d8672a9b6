"""The index of packages is brought by the step that installs from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.images.instructions import instructions
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_UPDATES = re.compile(r"\b(apt-get|apt|apk)\s+(?:-\S+\s+)*update\b")
_INSTALLS = re.compile(r"\b(?:(?:apt-get|apt)\s+(?:-\S+\s+)*install|apk\s+(?:-\S+\s+)*add)\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield indices that stay in the cache while what is installed changes."""
    for dockerfile, line, program in _alone(files):
        if program:
            what = f"brings the index by {program} update in a step of its own, which stays in the"
            said = f"{what} cache: a later change of the packages installs by an old index"
            where = f"{dockerfile.path}:{line}"
            yield Finding(where, f"{said}; write both into one RUN", warning=True)


@once
def _alone(files: Files) -> Iterator[tuple[Artifact, int, str]]:
    """Yield steps that bring an index; of one that a later step installs by, with the program."""
    for dockerfile in dockerfiles(files):
        before: tuple[int, str] | None = None
        for one in instructions(str(dockerfile.content)):
            if one.word == "FROM":
                before = None
            found = _UPDATES.search(one.rest) if one.word == "RUN" else None
            installs = one.word == "RUN" and _INSTALLS.search(one.rest) is not None
            if found:
                yield dockerfile, one.line, ""
                before = None if installs else (one.line, found[1])
            elif installs and before is not None:
                yield dockerfile, *before
                before = None


GATE = Gate(
    id="IMG054",
    title="The index of packages is brought by the step that installs",
    phase="containers",
    source="https://docs.docker.com/build/building/best-practices/#apt-get: update alone in a RUN "
    "is cached, and the install behind it fails or gets old versions",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("steps that bring an index", _alone),
    targets=("compose", "cluster"),
    reads="RUN of Dockerfiles by apt-get, apt and apk.",
)
