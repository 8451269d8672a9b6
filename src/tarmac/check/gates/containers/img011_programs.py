"""What an image runs is in the image: distroless ones have hardly any program."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath

from tarmac.base.foreign.data import from_json
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.images.distroless import distroless, may_have_shell
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages, words
from tarmac.check.gates.views.images.image_programs import base_without, brings
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
        if may_have_shell(found[-1].image) or brings(found[-1]):
            continue
        for one in found[-1].instructions:
            if (argv := _argv(one)) and (what := _missing(argv[0], base)):
                yield Finding(f"{dockerfile.path}:{one.line}", f"{one.word} runs {argv[0]}, {what}")


def _checked(found: list[Stage]) -> Iterator[tuple[int, str]]:
    """Yield health checks by a program that a plain base does not have, and no step brings."""
    if not found:
        return
    checks = [one for one in found[-1].instructions if one.word == "HEALTHCHECK"]
    for one in checks[-1:]:
        program, is_open = _asked(one.rest)
        if not is_open and base_without(found, program):
            what = f"is checked by {program}, which {found[-1].image} does not have"
            yield one.line, f"{what}, so it is unhealthy; install it, or ask otherwise"


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
        if not is_open and base_without(found, program):
            what = f"service {service.name} is checked by {program}, which {found[-1].image} does"
            advice = "not have, so it is unhealthy; install it, or ask otherwise"
            yield Finding(service.at("healthcheck", "test"), f"{what} {advice}")


def _asked(rest: str) -> tuple[str, bool]:
    """Read the program of a check, and whether another one is tried after it."""
    _, _, command = rest.partition("CMD ")
    tail = command.partition("||")[2].split()
    return (words(command) or [""])[0], bool(tail) and tail[0] not in ("exit", "false", "kill")


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
    "programs to a folder of PATH, nor `debug` tags, which have a shell, nor a digest without a "
    "tag. HEALTHCHECK, and healthcheck of Compose services that are built, on the plain bases of "
    "assets/published.yaml, where no step installs its program or runs a script.",
)
