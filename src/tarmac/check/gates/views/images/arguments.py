"""Variables of a Dockerfile: an ARG ends with its stage, and one above FROM is of no stage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.check.gates.views.images.instructions import Instruction, instructions

_READERS = ("RUN", "COPY", "ADD", "ENV", "LABEL", "WORKDIR", "USER", "EXPOSE", "VOLUME")
#: What a builder knows of each build, and gives to the stages that declare it.
_OF_BUILD = re.compile(r"(BUILD|TARGET)(PLATFORM|OS|ARCH|VARIANT)")
#: How a finding begins where a default hides that an argument is empty.
ALWAYS = "takes its default in place of"
_USED = re.compile(r"(?<![\\$])\$(?:\{(\w+)(:?-[^}]*)?\}|(\w+))")
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
            other, is_alone = elsewhere.get(name, stage), name in _used_alone(one)
            at = (own.get(name), name in above, other if other != stage else "")
            if what := _lost(name, *at) if is_alone else _hidden(name, is_above=name in above):
                known.add(name)
                yield one, name, what
            elif not is_alone or (is_native and _is_of_go(name, one)):
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


def _hidden(name: str, *, is_above: bool) -> str:
    """Say of a variable that is used with a default that this is all it ever is."""
    what = f"{ALWAYS} ${name}, which is set above FROM and so is empty in this stage"
    return f"{what}; write `ARG {name}` below FROM" if is_above else ""


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


def _used(one: Instruction) -> dict[str, None]:
    return dict.fromkeys(name or other for name, _, other in _USED.findall(_plain(one)))


def _used_alone(one: Instruction) -> set[str]:
    """List the variables that are used without a default, as in `${MODE:-plain}`."""
    found = _USED.findall(_plain(one))
    return {name or other for name, default, other in found if not default}


def _plain(one: Instruction) -> str:
    return re.sub(r"'[^']*'", "", one.rest)


def _is_given(name: str, image: str, one: Instruction) -> bool:
    """Tell whether a script may set it, or the base: Node.js' image has NODE_VERSION."""
    set_by = rf"\b(read|for|export)\s+{name}\b|\b{name}=|(^|\s)(\.|source)\s"
    is_set = re.search(set_by, one.rest) if one.word == "RUN" else None
    of_base = (*re.split(r"\W", image), "java", "pg")
    return is_set is not None or name in _GIVEN or name.partition("_")[0].lower() in of_base
