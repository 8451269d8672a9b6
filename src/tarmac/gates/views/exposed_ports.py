"""The ports that an image listens on, as its Dockerfile exposes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.views.dockerfiles import filled, stages


@dataclass(frozen=True)
class ExposedPorts:
    """The ports that a Dockerfile exposes, and where."""

    where: str
    ports: frozenset[int]

    def lacks(self, port: Any) -> bool:
        """Tell whether nothing listens on a number."""
        return isinstance(port, int) and port not in self.ports

    def __str__(self) -> str:
        return f"{', '.join(map(str, sorted(self.ports)))} ({self.where})"


def exposed_by(file: Artifact) -> ExposedPorts | None:
    """Read which ports a Dockerfile exposes; None: it says none."""
    found = stages(str(file.content))
    given: dict[str, str] = {}
    ports, line = set[int](), 0
    for instruction in found[-1].instructions if found else ():
        if instruction.word in ("ARG", "ENV"):
            name, _, value = instruction.rest.partition("=")
            given.setdefault(name.strip(), value.strip("\"' "))
        elif instruction.word == "EXPOSE":
            numbers = re.findall(r"(\d+)(?:/tcp)?(?=\s|$)", filled(instruction.rest, given))
            ports |= {int(number) for number in numbers}
            line = line or instruction.line
    return ExposedPorts(f"{file.path}:{line}", frozenset(ports)) if ports else None
