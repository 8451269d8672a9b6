"""What an image runs is in the image: distroless ones have hardly any program."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import normpath
from typing import Any

from tarmac.base.foreign.data import from_json
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.compose import compose_services
from tarmac.check.gates.views.images.distroless import distroless
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages, words
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield health checks and commands whose program is not on their path."""
    yield from _of_compose(files)
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        for line, what in _checked(found):
            yield Finding(f"{dockerfile.path}:{line}", what)
        if not found or not (base := distroless(found[-1].image)):
            continue
        if ":debug" in found[-1].image or _brings(found[-1]):
            continue
        for one in found[-1].instructions:
            if (argv := _argv(one)) and (what := _missing(argv[0], base)):
                yield Finding(f"{dockerfile.path}:{one.line}", f"{one.word} runs {argv[0]}, {what}")


def _checked(found: list[Stage]) -> Iterator[tuple[int, str]]:
    """Yield health checks by a program that a plain base does not have, and no step brings."""
    if not found:
        return
    own = _whole(found)
    checks = [one for one in found[-1].instructions if one.word == "HEALTHCHECK"]
    for one in checks[-1:]:
        program, is_open = _asked(one.rest)
        for base in published("bases")["lacks"]:
            if re.fullmatch(base["image"], found[-1].image) and program in base["programs"]:
                if not is_open and not any(_may_bring(step, program) for step in own):
                    what = f"is checked by {program}, which {found[-1].image} does not have"
                    yield one.line, f"{what}, so it is unhealthy; install it, or ask otherwise"
                return


def _of_compose(files: Files) -> Iterator[Finding]:
    """Yield checks in Compose files by a program that the image which is built there lacks."""
    texts = {one.path: str(one.content) for one in dockerfiles(files)}
    for service in compose_services(files):
        test = dig(service.data, "healthcheck", "test")
        path = normpath(service.dockerfile) if service.dockerfile else ""
        if path not in texts or not test or dig(service.data, "build", "target"):
            continue
        if not (found := stages(texts[path])):
            continue
        told = test[1:] if isinstance(test, list) else [test]
        program, is_open = _asked(f"CMD {' '.join(map(str, told))}")
        base = next((one for one in published("bases")["lacks"] if _is_of(one, found[-1])), None)
        if base is None or program not in base["programs"] or is_open:
            continue
        if not any(_may_bring(step, program) for step in _whole(found)):
            what = f"service {service.name} is checked by {program}, which {found[-1].image} does"
            advice = "not have, so it is unhealthy; install it, or ask otherwise"
            yield Finding(service.at("healthcheck", "test"), f"{what} {advice}")


def _is_of(base: Mapping[str, Any], last: Stage) -> bool:
    return re.fullmatch(base["image"], last.image) is not None


def _whole(found: list[Stage]) -> list[Instruction]:
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


def _asked(rest: str) -> tuple[str, bool]:
    """Read the program of a check, and whether another one is tried after it."""
    _, _, command = rest.partition("CMD ")
    tail = command.partition("||")[2].split()
    return (words(command) or [""])[0], bool(tail) and tail[0] not in ("exit", "false", "kill")


def _may_bring(step: Instruction, program: str) -> bool:
    """Tell whether a step may put a program onto the path."""
    if step.word in ("COPY", "ADD"):
        target = (step.rest.split() or [""])[-1]
        folders = tuple(published("distroless")["path"])
        is_folder = target.rstrip("/") in ("", *folders, "/usr", "/usr/local")
        return is_folder or target.rpartition("/")[2] == program or program in step.rest
    is_script = re.search(r"\.sh\b|https?://|\bnix\b|\b(ba)?sh\b|<<|\$", step.rest) is not None
    is_named = re.search(rf"(?<![\w-]){program}(?![\w-])", step.rest) is not None
    return step.word == "RUN" and (is_named or is_script)


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
        if found and not distroless(found[-1].image):
            yield from (e for e in found[-1].instructions if e.word == "HEALTHCHECK")
        if found and distroless(found[-1].image):
            yield from (instruction for instruction in found[-1].instructions if _argv(instruction))


GATE = Gate(
    id="IMG011",
    title="Commands of a Dockerfile's last stage exist where they are called",
    phase="containers",
    source="a HEALTHCHECK whose program is not found always fails: the container is unhealthy",
    check=check,
    of_objects=False,
    scope=counted_in_files("commands", _commands),
    of_files=check,
    reads="HEALTHCHECK, ENTRYPOINT and RUN of last stages of distroless; not where it copies "
    "programs to a folder of PATH, nor `debug` tags, which have a shell. HEALTHCHECK, and "
    "healthcheck of Compose services that are built, on the plain bases of assets/published.yaml, "
    "where no step installs its program or runs a script.",
)
