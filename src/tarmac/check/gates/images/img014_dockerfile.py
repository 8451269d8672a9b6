"""Dockerfiles: pinned bases, no secret in the history, no root, signals that reach the program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tarmac.base.foreign.data import from_json
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.bases import base_faults
from tarmac.check.gates.views.images.build_secrets import held_secret, is_never_given
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, filled, stages, unshipped
from tarmac.check.gates.views.images.instructions import Instruction, instructions
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.scope import counted_in_files

#: Bases that start a shell, an interpreter or nothing; others start a server of their own.
_RUNTIMES = re.compile(
    r"(.*/)?(scratch|alpine|debian|ubuntu|busybox|node|python|ruby|golang|rust|openjdk|"
    r"eclipse-temurin|amazoncorretto|dotnet/\w+|distroless/.*)(:.*|@.*)?"
)
_OPTION = re.compile(r"--(interval|timeout|start-period|start-interval|retries)=([^\s$]+)(?!\S)")
_ASKED = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(\d+)")
_PAIR = re.compile(r"([A-Za-z_]\w*)(?:=(\"[^\"]*\"|'[^']*'|\S+)|\s+(\S+))?")
_PORT = re.compile(r"(-?\d+)(?:/\w+)?(?=\s|$)")
_LAST = 65535
_PIPED = re.compile(r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:\S*/)?(?:ba|da|z)?sh\b")
#: A base that brings a user along, or one that only its build knows.
_HAS_USER = re.compile(r"(?i)non-?root|unprivileged|rootless|chiseled|\$")
#: A base that is not one of Docker's own: its name without maker and version.
_OF_MAKER = re.compile(r"its base .*\(\S+/([^\s/:]+)(?::\S+)?\)")
#: What a build is given, in a finding.
_GIVEN = re.compile(r"ARG (\w+) stays in")
#: What says of itself that it is for a build alone.
_SAID = re.compile(r"(?i)insecure|unsafe|not[-_ ]?(a[-_ ]?)?(real|secret)|fake")
#: Values that are public, so that no secret is told.
_PUBLIC_VALUE = re.compile(r"(?i)(default|change|example|sample|none|null)([-_ ]|me\b|$)")
#: Values that anyone tries first: no history tells them.
_TRIED = re.compile(
    r"(?i)(admin|root|user|guest|test|demo|pass(word|wd)?|secret|postgres|mysql|qwerty)[\d!.]{0,4}"
    r"|1234\d{0,6}"
)
_USER = re.compile(r"(\d+)(?::(\d+))?")


def check(files: Files) -> Iterator[Finding]:
    """Yield what is wrong with any Dockerfile."""
    own = {
        dockerfile.path.rpartition("/")[0].rpartition("/")[2] for dockerfile in dockerfiles(files)
    }
    for dockerfile in dockerfiles(files):
        text = str(dockerfile.content)
        for finding in findings(dockerfile.path, text):
            # A repository that builds the base, too, says which of its versions this one gets.
            base = _OF_MAKER.match(finding.what)
            given = _GIVEN.match(finding.what)
            is_left = given and is_never_given(files, dockerfile.path, text, given[1])
            is_doubtful = (base and base[1] in own) or is_left
            yield replace(finding, warning=True) if is_doubtful else finding
        for line, what in runtime_faults(text):
            yield Finding(f"{dockerfile.path}:{line}", what)


def findings(path: str, text: str) -> Iterator[Finding]:
    """Yield what is wrong with a Dockerfile.

    Args:
        path: what a finding names, relative to the tree or the repository.
    """
    given: dict[str, str] = {}
    stages: set[str] = set()
    left = unshipped(text)
    final: list[Instruction] = []
    for instruction in instructions(text):
        where = f"{path}:{instruction.line}"
        if instruction.word == "FROM":
            final = []
            yield from (Finding(where, what) for what in base_faults(instruction, given, stages))
        final.append(instruction)
        if instruction.word == "ARG":
            name, _, value = instruction.rest.partition("=")
            given.setdefault(name, value.strip("\"'"))
        # No image keeps what stands above its FROM: a stage that reads it has an ARG of its own.
        is_above = "FROM" not in {one.word for one in final} and "=" not in instruction.rest
        is_kept = instruction.line not in left and not is_above
        if instruction.word not in ("ENV", "ARG") or is_kept:
            yield from (Finding(where, what) for what in _instruction(instruction))
    if not final:
        yield Finding(path, "has no FROM, so there is no image; write one")
        return
    yield from (Finding(f"{path}:{line}", what) for line, what in _runtime(final))


def _instruction(instruction: Instruction) -> Iterator[str]:
    if instruction.word in ("ENV", "ARG"):
        pairs = _PAIR.findall(instruction.rest)
        users = {value for name, value, _ in pairs if name.upper().endswith(("USER", "USERNAME"))}
        for name, value, old in pairs:
            held = (value or old).strip("\"'")
            is_given = instruction.word == "ARG" or held
            if is_given and (how := held_secret(name, held, is_user=value in users)):
                what = f"{instruction.word} {name} {how}"
                yield f"{what}; give it when it runs, or build with RUN --mount=type=secret"
            if instruction.word == "ENV" and old:
                break
    if instruction.word == "ADD" and re.search(r"(?:https?|git|ftp)://|git@", instruction.rest):
        what = f"adds a download that is not verified ({instruction.rest})"
        yield f"{what}; COPY it, or verify its checksum in RUN"
    if instruction.word == "RUN" and _PIPED.search(instruction.rest):
        yield "runs a download that is not verified (curl | sh); verify its checksum first"


def _runtime(final: list[Instruction]) -> Iterator[tuple[int, str]]:
    """Yield what the last stage lacks."""
    first = final[0].line
    users = [instruction for instruction in final if instruction.word == "USER"]
    if users:
        found = _USER.fullmatch(users[-1].rest)
        if found is None:
            what = f"USER {users[-1].rest} is a name, which a cluster cannot check; write "
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
            what = f"{instruction.word} runs in a shell, which forwards no signals to the program"
            yield instruction.line, f'{what} ({instruction.rest}); write it as a list: ["..."]'


def _is_list(rest: str) -> bool:
    try:
        return isinstance(from_json(rest), list)
    except ValueError:
        return False


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
                    yield instruction.line, f"EXPOSE {port} is not a port; write its number"
    for instruction in own:
        if instruction.word == "HEALTHCHECK":
            yield from _health(instruction, exposed)
    copies = any(one.word in ("COPY", "ADD") for one in own)
    starts = any(one.word in ("CMD", "ENTRYPOINT") for one in own)
    if copies and not starts and _RUNTIMES.fullmatch(found[-1].image):
        what = f"has no CMD, so it starts the program of its base {found[-1].image}"
        yield own[0].line, f"{what}; write ENTRYPOINT or CMD"


def _health(instruction: Instruction, exposed: set[str]) -> Iterator[tuple[int, str]]:
    for name, value in _OPTION.findall(instruction.rest):
        if name == "retries" and not (value.isdecimal() and int(value)):
            yield instruction.line, f"HEALTHCHECK: {name}={value} is not a number; write 3"
        elif name != "retries" and (value == "0" or duration_s(value) is None):
            yield instruction.line, f"HEALTHCHECK: {name}={value} is not a duration; write e.g. 30s"
    for port in _ASKED.findall(instruction.rest):
        if exposed and port not in exposed:
            what = f"HEALTHCHECK queries port {port}, but EXPOSE has {', '.join(sorted(exposed))}"
            yield instruction.line, f"{what}; write one number"


GATE = Gate(
    id="IMG014",
    title="A Dockerfile pins its bases, keeps no secret, and runs as a user that is not root",
    phase="containers",
    source="https://docs.docker.com/build/building/best-practices: what an ENV or ARG holds stays "
    "in the history, a moving base is another image each day, a shell keeps signals to itself",
    check=check,
    of_objects=False,
    scope=counted_in_files("Dockerfiles", dockerfiles),
    of_files=check,
    reads="FROM with its ARGs, ENV, ARG, ADD, RUN, and USER, EXPOSE, HEALTHCHECK, CMD and "
    "ENTRYPOINT of the last stage.",
)
