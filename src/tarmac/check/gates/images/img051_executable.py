"""The script that an image starts may be executed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import basename, dirname, join, normpath
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages, words
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.scope import counted_in_files

_SCRIPT = re.compile(r"(?:\./|/)?[\w./-]+\.(?:sh|bash|py|pl|rb)|(?:\./|/)[\w./-]*entrypoint[\w.-]*")
#: What sets a mode, and by what it may do that for any file.
_SETS = re.compile(r"\b(chmod|setfacl|umask)\b|\binstall\s+-\w*m")
_OF_ANY = re.compile(r"[*$]|\s-\w*R|\bfind\b|\bxargs\b")
_KEEPS = re.compile(r"(?mi)^[ \t]*filemode[ \t]*=[ \t]*true")
_EXECUTE = 0o111


class StartedScript(NamedTuple):
    """A script that an image starts by its path, as it is in the folder of the build."""

    line: int
    name: str
    copied: str
    file: Path


def check(files: Files) -> Iterator[Finding]:
    """Yield scripts that are started by their path, and have no mode for that."""
    for path, one in _started(files):
        if one.file.stat().st_mode & _EXECUTE or one.name in _set_elsewhere(files):
            continue
        what = f"starts {one.copied} by its path, and {one.name} may not be executed in this folder"
        said = f"{what}, which the copy keeps: permission denied"
        advice = "write COPY --chmod=755, or `git update-index --chmod=+x` for it"
        yield Finding(f"{path}:{one.line}", f"{said}; {advice}", warning=not _is_checkout(files))


@once
def _started(files: Files) -> Iterator[tuple[str, StartedScript]]:
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        last = found[-1] if found else None
        program = _program(last) if last is not None else ""
        if last is None or not program:
            continue
        copy = _copied(files, dirname(dockerfile.path), last, program)
        if copy is not None and not any(_may_set(one, copy.name) for one in last.whole):
            yield dockerfile.path, copy


def _program(stage: Stage) -> str:
    """Return the script that a stage starts, by its place in the image; "" for all else."""
    here, entry, command = "/", "", ""
    for one in stage.whole:
        if one.word == "WORKDIR":
            here = normpath(join(here, one.rest.strip("\"'")))
        elif one.word in ("ENTRYPOINT", "CMD"):
            first = next(iter(words(one.rest)), "")
            entry, command = (first, command) if one.word == "ENTRYPOINT" else (entry, first)
    program = entry or command
    is_path = "/" in program and _SCRIPT.fullmatch(program) is not None
    return normpath(join(here, program)) if is_path and "$" not in here else ""


def _copied(files: Files, folder: str, stage: Stage, program: str) -> StartedScript | None:
    """Find the last step that copies the script, and the file that it copies."""
    here, found = "/", None
    for one in stage.whole:
        if one.word == "WORKDIR":
            here = normpath(join(here, one.rest.strip("\"'")))
        given = one.rest.split() if one.word in ("COPY", "ADD") else []
        plain = [word for word in given if not word.startswith("--")]
        if len(plain) < 2 or plain[0].startswith(("[", "<<")):
            continue
        for source in plain[:-1]:
            inner = _inner(program, source, normpath(join(here, plain[-1])), plain)
            if inner is None:
                continue
            if any(word.startswith(("--chmod", "--from")) for word in given):
                found = None
                continue
            file = _file(files, folder, inner)
            name, copied = basename(inner), program
            found = StartedScript(one.line, name, copied, file) if file else None
    return found


def _inner(program: str, source: str, target: str, plain: list[str]) -> str | None:
    """Return which file of the build's folder a copy brings as the program; None: it does not."""
    name = basename(source.rstrip("/"))
    is_folder = plain[-1].endswith("/") or plain[-1] in (".", "./") or len(plain) > 2
    if program in (join(target, name), target if not is_folder else ""):
        return normpath(source)
    if program.startswith(f"{target.rstrip('/')}/"):
        return normpath(join(source, program[len(target.rstrip("/")) + 1 :]))
    return None


def _file(files: Files, folder: str, inner: str) -> Path | None:
    """Find a file by its path in the folder of the build: the Dockerfile's, or the one judged."""
    if "*" in inner or "$" in inner:
        return None
    places = (on_disk(files, normpath(join(folder, inner))), on_disk(files, inner))
    there = [place for place in dict.fromkeys(places) if place is not None and place.is_file()]
    return there[0] if len(there) == 1 else None


def _may_set(one: Instruction, name: str) -> bool:
    is_set = one.word == "RUN" and _SETS.search(one.rest) is not None
    return is_set and (name in one.rest or _OF_ANY.search(one.rest) is not None)


def _set_elsewhere(files: Files) -> set[str]:
    """List the files whose mode a command sets before the image is built."""
    return {*_modes(files)}


@once
def _modes(files: Files) -> Iterator[str]:
    for one in commands(files):
        if re.search(r"\bchmod\b", one.text):
            yield from (basename(word) for word in re.split(r"[\s;&|\"']+", one.text))


def _is_checkout(files: Files) -> bool:
    """Tell whether the folder is a checkout of Git on a file system that keeps modes."""
    place = files.folder.resolve() if files.folder is not None else None
    for folder in (place, *place.parents) if place is not None else ():
        settings = folder / ".git" / "config"
        if settings.is_file():
            return _KEEPS.search(settings.read_text("utf-8", "replace")) is not None
    return False


GATE = Gate(
    id="IMG051",
    title="The script that an image starts may be executed",
    phase="containers",
    source="https://docs.docker.com/reference/dockerfile/#copy---chown---chmod: a copy keeps the "
    "mode that a file has in the folder of the build",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("scripts that images start", _started),
    targets=(),
    reads="the mode on disk of scripts that the last stage copies and starts by their path, where "
    "no step and no command sets one. Outside of a checkout by Git that keeps modes it is a "
    "warning. Judges files without a plan only.",
)
