"""A number is another one: ten times as large or small, none, negative, or off by one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mutants.mutant import Mutant, data_of, exchanged, lines_of, parts, retexted
from tarmac.base.artifact import Artifact

_NUMBER = re.compile(r"(?<![\w.\"-])\d+(?![\w.])")
_PORTS = ("port", "targetPort", "containerPort", "number", "expose")


def _others(value: float, *, is_port: bool) -> Iterator[tuple[str, float]]:
    if is_port:
        yield "off-by-one", value + 1
        return
    yield "ten-times", value * 10
    yield "a-tenth", value // 10 if isinstance(value, int) else value / 10
    yield "zero", 0
    yield "negative", -1


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    for path, value in parts(data) if data is not None else ():
        is_text = isinstance(value, str) and value.isdecimal() and len(value) < 9
        if isinstance(value, bool) or not (is_text or isinstance(value, int | float)):
            continue
        number = int(value) if is_text else value
        for how, other in _others(number, is_port=str(path[-1]) in _PORTS):
            if other != number:
                new = str(other) if is_text else other
                yield exchanged(f"number-{how}", artifact, path, value, new)
    for at, line in enumerate(lines_of(artifact)):
        if line.lstrip().startswith(("#", "--")):
            continue
        for found in _NUMBER.finditer(line):
            is_port = line.lstrip().startswith("EXPOSE")
            for how, other in _others(int(found[0]), is_port=is_port):
                if other != int(found[0]):
                    new = f"{line[: found.start()]}{other}{line[found.end() :]}"
                    yield retexted(f"number-{how}", artifact, at, [new])
