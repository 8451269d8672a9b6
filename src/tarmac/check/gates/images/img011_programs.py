"""What an image runs is in the image: distroless ones have hardly any program."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.data import from_json
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.distroless import distroless
from tarmac.check.gates.views.images.dockerfiles import Instruction, Stage, dockerfiles, stages
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield health checks and commands whose program is not on their path."""
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        if not found or not (base := distroless(found[-1].image)):
            continue
        if ":debug" in found[-1].image or _brings(found[-1]):
            continue
        for one in found[-1].instructions:
            if (argv := _argv(one)) and (what := _missing(argv[0], base)):
                yield Finding(f"{dockerfile.path}:{one.line}", f"{one.word} runs {argv[0]}, {what}")


def _brings(last: Stage) -> bool:
    """Tell whether programs are copied to where they are found."""
    found = published("distroless")["path"]
    return any(
        e.word in ("COPY", "ADD") and e.rest.split()[-1].rstrip("/").startswith(tuple(found))
        for e in last.instructions
    )


def _argv(instruction: Instruction) -> list[str]:
    """Return the command; a shell-form line is `sh`."""
    rest = instruction.rest
    if instruction.word == "HEALTHCHECK":
        _, found, rest = rest.partition("CMD ")
        if not found:
            return []
    elif instruction.word not in ("ENTRYPOINT", "RUN"):
        return []  # CMD alone is what the base's own program is given
    try:
        read = from_json(rest)
    except ValueError:
        return ["sh"]
    return [str(word) for word in read] if isinstance(read, list) else []


def _missing(program: str, base: str) -> str:
    known = published("distroless")
    families = known["programs"].items()
    own: dict[str, str] = next((has for start, has in families if base.startswith(start)), {})
    if "/" in program:  # it is not looked for on PATH
        return ""
    if program in own:
        folder = str(own[program]).rpartition("/")[0]
        if folder in known["path"]:
            return ""
        return (
            f"which is at {own[program]} in distroless {base} and not on PATH; write its full path"
        )
    has = ", ".join(own.values()) or "no program at all"
    return f"which distroless {base} does not have (it has {has}); run what it has, as a list"


def _commands(files: Files) -> Iterator[Instruction]:
    for file in dockerfiles(files):
        found = stages(str(file.content))
        if found and distroless(found[-1].image):
            yield from (instruction for instruction in found[-1].instructions if _argv(instruction))


GATE = Gate(
    id="IMG011",
    title="Commands of a Dockerfile's last stage exist where they are called",
    phase="containers",
    source="a HEALTHCHECK whose program is not found always fails: the container is unhealthy",
    check=check,
    scope=counted_in_files("commands on distroless", _commands),
    of_files=check,
    reads="HEALTHCHECK, ENTRYPOINT and RUN of last stages of distroless; not where it copies "
    "programs to a folder of PATH, nor `debug` tags, which have a shell.",
)
