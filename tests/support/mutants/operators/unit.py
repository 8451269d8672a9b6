"""An amount or a duration has another unit, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mutants.mutant import Mutant, data_of, exchanged, lines_of, parts, retexted
from tarmac.base.artifact import Artifact

_AMOUNT = re.compile(r"(\d+)(Ki|Mi|Gi|Ti|m)")
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d|w)")
_IN_TEXT = re.compile(r"(?<=[\s\"'=])(\d+)(s|m|h|Mi|Gi)(?=[\s\"']|$)")
#: What is written by mistake for each unit.
_WRONG = {
    "Ki": ("K", ""), "Mi": ("M", "m", ""), "Gi": ("G", "Mi", ""), "Ti": ("T", "Gi"),
    "ms": ("s", ""), "s": ("m", "ms", ""), "m": ("", "s"), "h": ("m", ""), "d": ("h", ""),
    "w": ("d", ""),
}  # fmt: skip


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    for path, value in parts(data) if data is not None else ():
        if not isinstance(value, str):
            continue
        found = _AMOUNT.fullmatch(value) or _DURATION.fullmatch(value)
        if found:
            for unit in _WRONG[found[2]]:
                yield exchanged(_name(unit), artifact, path, value, found[1] + unit)
    for number, line in enumerate(lines_of(artifact)):
        if found := _IN_TEXT.search(line):
            for unit in _WRONG[found[2]]:
                new = line[: found.start()] + found[1] + unit + line[found.end() :]
                yield retexted(_name(unit), artifact, number, [new])


def _name(unit: str) -> str:
    return "unit-other" if unit else "unit-none"
