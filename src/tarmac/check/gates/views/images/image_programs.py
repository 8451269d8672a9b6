"""Which programs the image of a Dockerfile has: those of its base, and what its steps bring."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tarmac.check.gates.views.images.dockerfiles import Stage
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.published import published


def whole(found: list[Stage]) -> list[Instruction]:
    """List what the last stage is made of, with the stages that it begins from."""
    by_name = {one.name: one for one in found}
    stage, own, seen = found[-1], list(found[-1].instructions), {found[-1].name}
    while stage.instructions:
        words = [w for w in stage.instructions[0].rest.split() if not w.startswith("--")] or [""]
        if words[0] not in by_name or words[0] in seen:
            break
        stage = by_name[words[0]]
        seen.add(stage.name)
        own += stage.instructions
    return own


def base_without(found: list[Stage], program: str) -> str:
    """Name the last stage's plain base where that and the steps lack a program; "" elsewhere."""
    for base in published("bases")["lacks"] if found else ():
        if _is_of(base, found[-1]):
            is_brought = any(may_bring(step, program) for step in whole(found))
            is_lacked = program in base["programs"] and not is_brought
            return found[-1].image if is_lacked else ""
    return ""


def _is_of(base: Mapping[str, Any], last: Stage) -> bool:
    return re.fullmatch(base["image"], last.image) is not None


def may_bring(step: Instruction, program: str) -> bool:
    """Tell whether a step may put a program onto the path."""
    if step.word in ("COPY", "ADD"):
        target = (step.rest.split() or [""])[-1]
        folders = tuple(published("distroless")["path"])
        is_folder = target.rstrip("/") in ("", *folders, "/usr", "/usr/local")
        return is_folder or target.rpartition("/")[2] == program or program in step.rest
    is_script = re.search(r"\.sh\b|https?://|\bnix\b|\b(ba)?sh\b|<<|\$", step.rest) is not None
    packages = published("bases")["packages"].get(program, ())
    names = "|".join((rf"{program}(?![\w-])", *map(re.escape, packages)))
    is_named = re.search(rf"(?<![\w-])(?:{names})", step.rest) is not None
    return step.word == "RUN" and (is_named or is_script)


def brings(last: Stage) -> bool:
    """Tell whether programs of a stage are copied to where they are found."""
    found = published("distroless")["path"]
    return any(
        e.word in ("COPY", "ADD") and e.rest.split()[-1].rstrip("/").startswith(tuple(found))
        for e in last.instructions
    )
