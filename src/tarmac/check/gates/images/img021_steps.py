"""Steps of an image leave what the next ones need: a path, a folder, a list of packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, normpath

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.scope import counted_in_files

_PATH = re.compile(r"(?:^|\s)PATH[= ](\"[^\"]*\"|'[^']*'|\S+)")
_SYSTEM = re.compile(r"(^|:)/(usr/)?(local/)?s?bin(:|$)")
_ONLY_CD = re.compile(r"cd\s+[^\s;&|]+")
#: Options, and no name of a package behind them: `npm install --quiet tool` reads no list.
_ALL = (
    r"(?=(?:\s+--(?:loglevel|registry|cache|omit|only|include|prefix|network-\w+)\s+[^\s-]\S*"
    r"|\s+--(?!global\b|location\b)[\w:=./@-]+|\s+-(?!g\b)\w+)*\s*(?:$|[;&|]))"
)
#: What installs packages, and the file that lists them.
_LISTS = (
    (re.compile(r"\bpip3? install\b[^;&|]*?(?:-r|--requirement)[ =](\S+)"), None),
    (re.compile(rf"\bnpm (?:ci|install|i){_ALL}"), "package.json"),
    (re.compile(rf"\b(?:yarn|pnpm) install{_ALL}"), "package.json"),
    (re.compile(r"\bgo mod download\b"), "go.mod"),
    (re.compile(r"\bbundle install\b"), "Gemfile"),
    (re.compile(r"\bcomposer install\b"), "composer.json"),
)

#: Images of languages and systems, which have no folder of a program.
_PLAIN = re.compile(
    r"(docker\.io/)?(library/)?(node|python|php|ruby|debian|ubuntu|alpine|oven/bun)([:@].*)?"
)
#: What makes a folder beside the list of packages.
_WRITES = re.compile(rf"\b(?:npm (?:ci|install|i)|yarn install|pnpm install|yarn){_ALL}")


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that take the path away, change nothing, or come before what they read."""
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            for judge in (_paths, _moves, _lists, _owned):
                for one, what in judge(stage):
                    yield Finding(f"{dockerfile.path}:{one.line}", what)


Fault = tuple[Instruction, str]


def _paths(stage: Stage) -> Iterator[Fault]:
    for one in stage.instructions:
        found = _PATH.search(one.rest) if one.word == "ENV" else None
        value = found[1].strip("\"'") if found else ""
        if value and "$" not in value and not _SYSTEM.search(value) and stage.image != "scratch":
            what = f"sets PATH to {value} alone, so the programs of the image are not found"
            yield one, f"{what}; write {value}:$PATH"


def _moves(stage: Stage) -> Iterator[Fault]:
    for one in stage.instructions:
        if one.word == "RUN" and _ONLY_CD.fullmatch(one.command.strip()):
            what = (
                f"`{one.command.strip()}` ends with its step: the next one begins in WORKDIR again"
            )
            yield one, f"{what}; write WORKDIR, or join both by &&"


def _owned(stage: Stage) -> Iterator[Fault]:
    """Yield packages that a user writes into a folder which WORKDIR has made for root."""
    # Other images may have the folder, and for that user.
    folder, user, given = "", "", set[str]()
    if not _PLAIN.fullmatch(stage.image):
        return
    for one in stage.instructions:
        words = one.rest.split()
        if one.word == "WORKDIR" and words:
            folder = words[0] if not user else ""
        elif one.word == "USER" and words:
            user = "" if words[0].partition(":")[0] in ("root", "0") else words[0]
        elif one.word == "RUN":
            if folder and user and _WRITES.search(one.rest) and not given & {folder, "$"}:
                what = (
                    f"{user} is to write packages into {folder}, which WORKDIR makes for root: the"
                )
                yield one, f"{what} step fails; write `RUN chown {user} {folder}` before USER"
                return
            if not user and re.search(r"\b(chown|chmod|install|mkdir|useradd|adduser)\b", one.rest):
                given |= {word.rstrip("/") for word in words} | {"$"} & {*one.rest}
                given |= {folder} if re.search(r"\s\.(/|\s|$)", one.rest) else set()
        elif one.word in ("COPY", "ADD") and "--chown" in one.rest and not user:
            given |= {folder} if words[-1] in (".", "./", folder) else set()


def _lists(stage: Stage) -> Iterator[Fault]:
    """Yield installations before the only step that brings the list of packages."""
    for number, one in enumerate(stage.instructions):
        if one.word != "RUN" or "type=bind" in one.rest or "$" in one.rest:
            continue
        for pattern, usual in _LISTS:
            found = pattern.search(one.rest)
            name = basename(usual or (found[1] if found else ""))
            if not found or not name or "://" in one.rest or ">" in one.rest:
                continue
            before = (*stage.before, *stage.instructions[:number])
            after = stage.instructions[number:]
            if not any(map(_may_bring, before)) and (later := _brought(after, name)):
                what = f"reads {name}, which line {later.line} copies only afterwards"
                yield one, f"{what}, so the build fails; copy it before"


def _may_bring(one: Instruction) -> bool:
    """Tell whether a step may make a file: it copies, or runs more than packages' programs."""
    makes = re.search(r"\bgit\b|curl|wget|>|\btar\b|\bnpm init\b|\bcp\b|\bcd\b|<<", one.rest)
    return one.word in ("COPY", "ADD", "ONBUILD") or (one.word == "RUN" and bool(makes))


def _brought(steps: tuple[Instruction, ...], name: str) -> Instruction | None:
    """Find the step that copies a file of the build's folder, by its name or with all others."""
    for one in steps:
        if one.copies_context:
            words = [word for word in re.split(r'[\s\[\]",]+', one.rest) if word]
            sources = [normpath(word) for word in words[:-1] if not word.startswith("--")]
            if any(source in (".", name) or basename(source) == name for source in sources):
                return one
    return None


def _judged(files: Files) -> Iterator[Instruction]:
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            yield from (one for one in stage.instructions if one.word in ("ENV", "RUN"))


GATE = Gate(
    id="IMG021",
    title="Steps of an image leave what the next ones need",
    phase="containers",
    source="https://docs.docker.com/reference/dockerfile: each RUN is a new shell in WORKDIR, and "
    "sees what was copied before it",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("steps", _judged),
    reads="ENV and RUN of each stage. A list of packages counts as missing where nothing before "
    "could have brought it, and a later step of the same stage copies it.",
)
