"""Users and groups are there when a step of an image names them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.scope import counted_in_files

_OWNER = re.compile(r"--chown=([\w$.{}-]+)(?::([\w$.{}-]+))?")
_CHOWN = re.compile(r"\bchown\s+(?:-\S+\s+)*([A-Za-z_][\w-]*)(?::([A-Za-z_][\w-]*))?\s")
#: What makes users and groups, and what it makes only where it is not there.
_MAKES = re.compile(r"\b(useradd|adduser|groupadd|addgroup)\b([^;&|]*)")
_ASKS = re.compile(r"\|\||\bid\s|\bgetent\b|\bgrep\b|--?f(orce)?\b")
#: Options of these with a value, which is not the name of what is made.
_LONG = "uid|gid|home|home-dir|shell|comment|gecos|groups|password|base-dir"
_VALUES = re.compile(rf"\s-(?:-(?:{_LONG})[ =]|[ugdhscGbk]\s)\s*(\"[^\"]*\"|'[^']*'|\S+)")
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that name a user or a group which only a later step makes."""
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            for line, what in _faults(stage):
                yield Finding(f"{dockerfile.path}:{line}", what)


def _faults(stage: Stage) -> Iterator[tuple[int, str]]:
    made: dict[str, int] = {}
    for one in stage.instructions:
        for name in _made(one):
            made.setdefault(name, one.line)
    told = set[str]()
    for one in stage.instructions:
        for name in _named(one):
            later = made.get(name, 0)
            if later > one.line and name not in told:
                told.add(name)
                is_run = one.word == "USER"
                names, ends = ("runs as", "it fails") if is_run else ("names", "the build ends")
                what = f"{names} {name}, which line {later} makes only afterwards, so {ends}"
                yield one.line, f"{what}; make it before"


def _made(one: Instruction) -> Iterator[str]:
    """Yield the users and groups that a step makes, whatever it tries first."""
    if one.word != "RUN" or _ASKS.search(one.rest):
        return
    for program, rest in _MAKES.findall(one.rest):
        words = [word.strip("\"'") for word in _VALUES.sub(" ", rest).split()]
        names = [word for word in words if _PLAIN.fullmatch(word)]
        # `adduser USER GROUP` puts a user into a group that is there.
        if len(names) == 1 or program in ("useradd", "groupadd"):
            yield from names[-1:]


def _named(one: Instruction) -> Iterator[str]:
    """Yield the users and groups that must be there for a step."""
    found: list[str] = []
    if one.word in ("COPY", "ADD"):
        found = [name for pair in _OWNER.findall(one.rest) for name in pair]
    elif one.word == "USER":
        found = one.rest.strip().split(":")
    elif one.word == "RUN" and not _MAKES.search(one.rest):
        found = [name for pair in _CHOWN.findall(one.rest) for name in pair]
    yield from (name for name in found if _PLAIN.fullmatch(name))


def _judged(files: Files) -> Iterator[Instruction]:
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            yield from (one for one in stage.instructions if any(_named(one)))


GATE = Gate(
    id="IMG038",
    title="Users and groups are there when a step of an image names them",
    phase="containers",
    source="https://docs.docker.com/reference/dockerfile/#copy---chown---chmod: a name is looked "
    "for in /etc/passwd and /etc/group of the image as it is at that step",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("steps that name users", _judged),
    reads="COPY --chown, USER and chown by name beside the later steps of the stage that make such "
    "a user or group. One that the base brings is not known.",
)
