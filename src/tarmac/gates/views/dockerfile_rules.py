"""What must be so of any Dockerfile: the kit's, and those that foreign services bring."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.foreign.data import from_json
from tarmac.gates.views.dockerfiles import Instruction, filled, instructions
from tarmac.report import Finding

#: Names of secret values: what an ENV or ARG holds stays in the image's history.
_SECRET = re.compile(r"(?i)(password|passwd|secret|token|credential|api_?key|private_?key)")
_PIPED = re.compile(r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:\S*/)?(?:ba|da|z)?sh\b")
#: A base that brings a user along, or one that only its build knows.
_HAS_USER = re.compile(r"(?i)non-?root|unprivileged|rootless|chiseled|\$")
_USER = re.compile(r"(\d+)(?::(\d+))?")


def findings(path: str, text: str) -> Iterator[Finding]:
    """Yield what is wrong with a Dockerfile.

    Args:
        path: what a finding names, relative to the tree or the repository.
    """
    given: dict[str, str] = {}
    stages: set[str] = set()
    final: list[Instruction] = []
    for instruction in instructions(text):
        where = f"{path}:{instruction.line}"
        if instruction.word == "FROM":
            final = []
            yield from (Finding(where, what) for what in _base(instruction, given, stages))
        final.append(instruction)
        if instruction.word == "ARG":
            name, _, value = instruction.rest.partition("=")
            given.setdefault(name, value.strip("\"'"))
        yield from (Finding(where, what) for what in _instruction(instruction))
    if not final:
        yield Finding(path, "has no FROM, so there is no image; write one")
        return
    yield from (Finding(f"{path}:{line}", what) for line, what in _runtime(final))


def _base(instruction: Instruction, given: dict[str, str], stages: set[str]) -> Iterator[str]:
    words = [word for word in instruction.rest.split() if not word.startswith("--")]
    image = filled(words[0] if words else "", given)
    if len(words) == 3:
        stages.add(words[2])
    if not image:
        yield f"its base is not known ({instruction.rest}); give its ARG a default that is pinned"
    elif image == "scratch" or image in stages or "@sha256:" in image:
        return
    elif ":" not in image.rsplit("/", 1)[-1]:
        yield f"its base has no tag ({image}), so any day's is taken; pin it: {image}:VERSION"
    elif image.endswith(":latest"):
        yield f"its base is any day's ({image}); pin a version"


def _instruction(instruction: Instruction) -> Iterator[str]:
    if instruction.word in ("ENV", "ARG"):
        pairs = re.findall(
            r"([A-Za-z_]\w*)(?:=(\"[^\"]*\"|'[^']*'|\S+)|\s+(\S+))?", instruction.rest
        )
        for name, value, old in pairs:
            held = (value or old).strip("\"'")
            is_switch = held.lower() in ("yes", "no", "true", "false", "0", "1")
            is_reference = held.startswith("$") or name.endswith(("_FILE", "_PATH")) or is_switch
            if _SECRET.search(name) and (instruction.word == "ARG" or held) and not is_reference:
                what = f"{instruction.word} {name} stays in the image's history"
                yield f"{what}; give it when it runs, or build with RUN --mount=type=secret"
            if instruction.word == "ENV" and old:
                break
    if instruction.word == "ADD" and re.search(r"(?:https?|git|ftp)://|git@", instruction.rest):
        what = f"adds what a server gives that day ({instruction.rest})"
        yield f"{what}; COPY it, or check its sum in RUN"
    if instruction.word == "RUN" and _PIPED.search(instruction.rest):
        yield "runs what a server gives that day (curl | sh); fetch a version and check its sum"


def _runtime(final: list[Instruction]) -> Iterator[tuple[int, str]]:
    """Say what the last stage lacks."""
    first = final[0].line
    users = [instruction for instruction in final if instruction.word == "USER"]
    if users:
        found = _USER.fullmatch(users[-1].rest)
        if found is None:
            what = f"USER {users[-1].rest} is no number, which a cluster cannot check; write "
            yield users[-1].line, f"{what}`USER 65534:65534`"
        elif int(found[1]) == 0:
            yield users[-1].line, "USER 0 is root; write `USER 65534:65534`"
    elif not _HAS_USER.search(final[0].rest):
        yield first, "its last stage has no USER, so it runs as root; write `USER 65534:65534`"
    checks = [instruction for instruction in final if instruction.word == "HEALTHCHECK"]
    if not checks or checks[-1].rest.upper() == "NONE":
        line = checks[-1].line if checks else first
        yield line, "has no HEALTHCHECK, so a wedged server counts as running; write one"
    for instruction in final:
        if instruction.word in ("CMD", "ENTRYPOINT") and not _is_list(instruction.rest):
            what = f"{instruction.word} is a line for a shell, which keeps signals from the program"
            yield instruction.line, f'{what} ({instruction.rest}); write it as a list: ["..."]'


def _is_list(rest: str) -> bool:
    try:
        return isinstance(from_json(rest), list)
    except ValueError:
        return False
