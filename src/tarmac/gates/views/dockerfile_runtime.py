"""What the last stage of a Dockerfile starts, exposes and asks of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates.views.dockerfiles import Instruction, filled, stages
from tarmac.gates.views.durations import duration_s

#: Bases that start a shell, an interpreter or nothing; others start a server of their own.
_RUNTIMES = re.compile(
    r"(.*/)?(scratch|alpine|debian|ubuntu|busybox|node|python|ruby|golang|rust|openjdk|"
    r"eclipse-temurin|amazoncorretto|dotnet/\w+|distroless/.*)(:.*|@.*)?"
)
_OPTION = re.compile(r"--(interval|timeout|start-period|start-interval|retries)=(\S+)")
_ASKED = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(\d+)")
_PORT = re.compile(r"(-?\d+)(?:/\w+)?(?=\s|$)")
_LAST = 65535


def runtime_faults(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line of what is wrong in the last stage, and what it is."""
    found = stages(text)
    if not found:
        return
    own, given = found[-1].instructions, dict[str, str]()
    exposed: set[str] = set()
    for instruction in own:
        if instruction.word in ("ARG", "ENV"):
            name, _, value = instruction.rest.partition("=")
            given.setdefault(name.strip(), value.strip("\"' "))
        if instruction.word == "EXPOSE":
            for port in _PORT.findall(filled(instruction.rest, given)):
                exposed.add(port)
                if not 0 < int(port) <= _LAST:
                    yield instruction.line, f"EXPOSE {port} is no port; write its number"
    for instruction in own:
        if instruction.word == "HEALTHCHECK":
            yield from _health(instruction, exposed)
    copies = any(one.word in ("COPY", "ADD") for one in own)
    starts = any(one.word in ("CMD", "ENTRYPOINT") for one in own)
    if copies and not starts and _RUNTIMES.fullmatch(found[-1].image):
        what = f"starts what its base {found[-1].image} starts, which is no program of its own"
        yield own[0].line, f"{what}; write ENTRYPOINT or CMD"


def _health(instruction: Instruction, exposed: set[str]) -> Iterator[tuple[int, str]]:
    for name, value in _OPTION.findall(instruction.rest):
        if "$" in value:
            continue
        if name == "retries" and not (value.isdecimal() and int(value)):
            yield instruction.line, f"HEALTHCHECK has {name}={value}, which is no number; write 3"
        elif name != "retries" and (value == "0" or duration_s(value) is None):
            yield instruction.line, f"HEALTHCHECK has {name}={value}, no duration; write e.g. 30s"
    for port in _ASKED.findall(instruction.rest):
        if exposed and port not in exposed:
            what = f"HEALTHCHECK asks port {port}, and EXPOSE says {', '.join(sorted(exposed))}"
            yield instruction.line, f"{what}; write one number"
