"""Variables of a Dockerfile: an ARG ends with its stage, and one above FROM is of no stage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.instructions import Instruction, instructions
from tarmac.check.gates.views.on_disk import on_disk

_READERS = ("RUN", "COPY", "ADD", "ENV", "LABEL", "WORKDIR", "USER", "EXPOSE", "VOLUME")
#: What a builder knows of each build, and gives to the stages that declare it.
_OF_BUILD = re.compile(r"(BUILD|TARGET)(PLATFORM|OS|ARCH|VARIANT)")
#: What every image or shell has.
_GIVEN = frozenset({"PATH", "HOME", "PWD", "USER", "HOSTNAME", "SHELL", "LANG", "TERM", "OLDPWD"})


def unset(text: str) -> Iterator[tuple[Instruction, str, str]]:
    """Yield variables that a stage uses and does not have, so that they are empty.

    Yields:
        the instruction that uses one, its name, and what is wrong.
    """
    above, image, by_name, known = set[str](), "", dict[str, set[str]](), set[str]()
    elsewhere: dict[str, str] = {}
    stage, is_native = "", True
    declared, own = _declared(text), dict[str, int]()
    for one in instructions(text):
        names = _names(one)
        if one.word == "FROM":
            words = one.operands or [""]
            image, known = words[0], set(by_name.get(words[0], ()))  # a stage has its base's
            stage, is_native = words[-1], "--platform" not in one.rest
            by_name[stage], own = known, declared[one.line]
        elif one.word == "ARG" and not image:
            above |= names
        elif one.word == "ARG":
            known |= names
            for name in names:
                elsewhere.setdefault(name, stage)
        if one.word not in _READERS or not image:
            continue
        for name in _used(one):
            if name in known or _is_given(name, image, one):
                continue
            other = elsewhere.get(name, stage)
            if what := _lost(name, own.get(name), name in above, other if other != stage else ""):
                known.add(name)
                yield one, name, what
            elif is_native and _is_of_go(name, one):
                continue
            elif _OF_BUILD.fullmatch(name) and name not in elsewhere:
                known.add(name)
                what = f"uses ${name}, which a builder gives to stages that declare it alone, so it"
                yield one, name, f"{what} is empty in this stage; write `ARG {name}` below its FROM"
        known |= names if one.word == "ENV" else set()


def _lost(name: str, below: int | None, is_above: bool, other: str) -> str:
    """Say why an ARG is not there: it is below, above the first FROM, or of another stage."""
    if below is not None:
        what = f"uses ${name}, and `ARG {name}` is below it, in line {below}, so it is empty here"
        return f"{what}; write that ARG before it"
    if is_above:
        what = f"uses ${name}, which is set above FROM, so it is empty in this stage"
        return f"{what}; write `ARG {name}` below FROM"
    if other:
        what = f"uses ${name}, an ARG of the stage {other} alone, so it is empty in this stage"
        return f"{what}; write `ARG {name}` below its FROM"
    return ""


def _declared(text: str) -> dict[int, dict[str, int]]:
    """Find the first line of each ARG of a stage, by the line of its FROM."""
    found: dict[int, dict[str, int]] = {}
    own = dict[str, int]()
    for one in instructions(text):
        if one.word == "FROM":
            own = found.setdefault(one.line, {})
        elif one.word == "ARG":
            for name in _names(one):
                own.setdefault(name, one.line)
    return found


def _names(one: Instruction) -> set[str]:
    """List the variables that an ARG or ENV sets."""
    return set(re.findall(r"(?:^|\s)(\w+)(?==|\s|$)", one.rest))


def _is_of_go(name: str, one: Instruction) -> bool:
    """Tell whether Go alone gets a variable: empty it is the platform that the stage runs on."""
    used = re.findall(rf"(\S*?)[\"']?\$\{{?{name}\b", one.rest)
    return bool(used) and all(before in ("GOOS=", "GOARCH=") for before in used)


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


def _used(one: Instruction) -> dict[str, None]:
    found = re.findall(r"(?<![\\$])\$(?:\{(\w+)\}|(\w+))", re.sub(r"'[^']*'", "", one.rest))
    return dict.fromkeys(name or other for name, other in found)


def _is_given(name: str, image: str, one: Instruction) -> bool:
    """Tell whether a script may set it, or the base: Node.js' image has NODE_VERSION."""
    set_by = rf"\b(read|for|export)\s+{name}\b|\b{name}=|(^|\s)(\.|source)\s"
    is_set = re.search(set_by, one.rest) if one.word == "RUN" else None
    of_base = (*re.split(r"\W", image), "java", "pg")
    return is_set is not None or name in _GIVEN or name.partition("_")[0].lower() in of_base
