"""Stages and commands of a Dockerfile fit together: what is copied is made, and what starts can."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from posixpath import basename, dirname, join, normpath

from tarmac.base.foreign.data import from_json
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.scope import counted_in_files

#: Bases with nothing but a system and a language, so that it is known what is in them.
_PLAIN = re.compile(
    r"(docker\.io/)?(library/)?(node|golang|rust|python|maven|gradle|openjdk|eclipse-temurin|ruby|"
    r"php|composer|alpine|debian|ubuntu|busybox|oven/bun|denoland/deno|"
    r"mcr\.microsoft\.com/dotnet/sdk)(:.*|@.*)?"
)
#: Folders that a base may have, and those that a package or a program fills.
_SYSTEM = frozenset((
    "usr", "etc", "lib", "lib64", "bin", "sbin", "opt", "root", "home", "var", "tmp", "go", "srv",
    "run", "mnt", "nix",
))  # fmt: skip
_FROM = re.compile(r"--from=(\S+)")
#: What takes its arguments for files and options, and starts no other program by them.
_PROGRAMS = re.compile(r"(java|node|dotnet|ruby|php|deno|bun|python[\d.]*)")

#: Settings of programs that write what they build to a folder.
_SETTINGS = (
    "*.config.js", "*.config.ts", "*.config.mjs", "*.config.cjs", "*.config.mts", "package.json",
    "angular.json", "project.json", "tsconfig*.json", "*.csproj", "pom.xml", "Makefile",
)  # fmt: skip
#: A path that leaves the folder of its setting.
_ABOVE = re.compile(r"[\"'=\s>]((?:\.\./)+[\w./-]+)")
_BUILDS = re.compile(r"\b(build|generate|export|compile|package|publish|bundle|make|tsc)\b")
_MOST_BYTES = 200_000


def check(files: Files) -> Iterator[Finding]:
    """Yield copies of what no stage makes, and commands that become arguments."""
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        place = on_disk(files, dirname(dockerfile.path))
        for line, what, is_open in _copied(found, place):
            yield Finding(f"{dockerfile.path}:{line}", what, warning=is_open)
        for line, what in _started(found):
            yield Finding(f"{dockerfile.path}:{line}", what)


def _copied(found: list[Stage], place: Path | None) -> Iterator[tuple[int, str, bool]]:
    """Yield such copies, and whether a build may write there.

    Args:
        place: the folder of the Dockerfile on disk.
    """
    by_name = {stage.name: stage for stage in found}
    for number, stage in enumerate(found):
        for one in stage.instructions:
            source = _FROM.search(one.rest) if one.word == "COPY" else None
            other = by_name.get(source[1]) if source else None
            if source and other is None and source[1].isdecimal() and int(source[1]) < number:
                other = found[int(source[1])]
            if other is None or not _PLAIN.fullmatch(other.image):
                continue
            folders, texts = _made(found, other)
            if not folders:  # at the root a program makes any
                continue
            words = one.operands
            for word in words[:-1] if not words[0].startswith("[") else ():
                path = normpath(join("/", word))
                if not _may_be(path, folders, texts):
                    there = " and ".join(sorted(folders))
                    what = f"copies {path} of {other.name}, whose files are in {there}"
                    is_open = place is not None and _is_built_above(place, path, folders, texts)
                    said = f"{what}, so the build ends; write its path from /"
                    yield one.line, said, is_open


def _made(found: list[Stage], stage: Stage) -> tuple[set[str], str]:
    """List the folders that a stage works in, with those of the stages below it, and its texts."""
    folders, texts, here = set[str](), list[str](), ""
    by_name = {one.name: one for one in found}
    begun = stage.instructions[0].rest.split()
    below = next((by_name[word] for word in begun if word in by_name and word != stage.name), None)
    if below is not None and found.index(below) < found.index(stage):
        own, text = _made(found, below)
        folders |= own
        texts.append(text)
    for one in stage.instructions[1:]:
        texts.append(one.rest)
        if one.word in ("RUN", "COPY", "ADD") and not folders:
            folders.add("/")
        if one.word == "WORKDIR":
            here = normpath(join(here or "/", one.rest.strip("\"'")))
            folders.add(here)
    return folders, "\n".join(texts)


def _may_be(path: str, folders: set[str], texts: str) -> bool:
    if "$" in path or "*" in path or "$" in "".join(folders) or path == "/":
        return True
    first = path.split("/")[1]
    is_there = any(path == one or path.startswith(f"{one}/") for one in folders)
    is_above = any(one == path or one.startswith(f"{path}/") for one in folders)
    return is_there or is_above or "/" in folders or first in _SYSTEM or f"/{first}" in texts


def _is_built_above(place: Path, path: str, folders: Iterable[str], texts: str) -> bool:
    """Tell whether a build of a stage writes to a path outside of the folders that it works in.

    Args:
        place: the folder of the Dockerfile.
        folders: those that the stage works in.
        texts: the instructions of the stage.
    """
    if not _BUILDS.search(texts):
        return False
    named = {end for file in _settings(place) for end in _ABOVE.findall(_text(file))}
    made = {normpath(join(folder, end)) for folder in folders for end in named}
    return any(path == one or path.startswith(f"{one}/") for one in made)


def _settings(place: Path) -> Iterable[Path]:
    """List the settings in a folder and those directly below it."""
    return chain.from_iterable(
        place.glob(f"{above}{name}") for above in ("", "*/") for name in _SETTINGS
    )


def _text(file: Path) -> str:
    if not file.is_file() or file.stat().st_size > _MOST_BYTES:
        return ""
    return file.read_text(encoding="utf-8", errors="replace")


def _started(found: list[Stage]) -> Iterator[tuple[int, str]]:
    """Yield commands for a shell behind an ENTRYPOINT that is a list, which gets that shell."""
    entry: list[str] = []
    command: Instruction | None = None
    for one in found[-1].instructions if found else ():
        if one.word == "ENTRYPOINT":
            # What was said before of CMD, a new ENTRYPOINT resets.
            entry, command = _list(one.rest), None
        elif one.word == "CMD":
            command = one
    if command is None or not entry or not command.rest or command.rest.startswith("["):
        return
    program = basename(entry[0])
    if command.rest.startswith("-") or _PROGRAMS.fullmatch(program):
        what = f"CMD {command.rest} is for a shell, so {program} gets /bin/sh -c as its arguments"
        yield command.line, f"{what} and does not start; write it as a list"


def _list(rest: str) -> list[str]:
    try:
        found = from_json(rest)
    except ValueError:
        return []
    return [str(one) for one in found] if isinstance(found, list) else []


GATE = Gate(
    id="IMG018",
    title="Stages and commands of a Dockerfile fit together",
    phase="containers",
    source="https://docs.docker.com/reference/dockerfile/#copy---from: paths of another stage "
    "begin at its root, and not in its WORKDIR",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("Dockerfiles", dockerfiles),
    reads="COPY --from beside the WORKDIRs and texts of stages from official bases; CMD beside "
    "ENTRYPOINT of the last stage.",
)
