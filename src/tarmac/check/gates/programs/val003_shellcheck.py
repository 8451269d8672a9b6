"""Scripts have no known defect: shellcheck."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import TarmacError
from tarmac.base.foreign.files import content
from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.programs import (
    exceptions,
    find,
    found_files,
    read,
    rendered,
    run,
    tree,
)
from tarmac.check.gates.views.scope import counted_in_files

SHELL = re.compile(r"#![^\n]*sh")
#: A line of Jinja or of a chart: a script that is made of this is another one.
_TEMPLATE = re.compile(r"^[ \t]*\{[{%#]", re.MULTILINE)
#: What a chart knows, and fills in in its own files.
_OF_CHART = re.compile(r"\{\{-?[ \t]*(?:\$?\.(?:Values|Release|Chart)\b|(?:include|tpl)[ \t])")
#: A variable of a script that Flux, Terraform or Compose fills in first, and makes `${` of that.
_ESCAPED = re.compile(r"(?<![$\\])\$\$\{[A-Za-z_]\w*[:}]")
#: It cannot read the script, and nor can a shell; what it calls errors besides is fragile at worst,
#: or is text of another program: `.names[]` of jq, or a value that begins with `=`.
_UNREADABLE = set(range(1000, 2000)) - {1087, 1097}
#: `$((` of a command, which some shells take for a sum, and those that do not.
_SUM, _TELLS = 1102, re.compile(r"#![^\n]*\b(bash|ksh|zsh)\b")
#: A comment between the lines of a command, which ends it unless the line before goes on.
_COMMENT, _GOES_ON = 1143, re.compile(r"(\||&&)\s*\\?\s*$")
#: An end that stands further in: of a text within a text, where the outer one ends below.
_INNER = 1039
#: `!(` of a group of commands, which is a pattern where a script asks for such.
_NEGATED, _GROUP, _PATTERNS = 1035, re.compile(r"!\("), re.compile(r"\bextglob\b")
#: Told once: an end of a line as Windows has it, which every line has, and where it stops reading,
#: of which it says in two places what it reads and what it expects.
_ONCE = {1017: 1017, 1073: 1073, 1072: 1073, 1044: 1073, 1121: 1073}
#: A template whose result alone is a script: `init.tpl.sh`.
_OF_TERRAFORM = re.compile(r"\.(tpl|tftpl|tmpl|template)\.(sh|bash)$")
#: Of a file at which it ends in the middle.
_CRASH = "crash"
#: What it says of itself: that no line names the shell of a part that others read, or that it does
#: not know that shell: zsh, fish.
_OF_ITSELF = (2148, 1071)
#: Above so many lines it may take minutes and gigabytes to follow each way through a script: nvm.
_LONG = 2_000
#: By this it does not; versions before 0.10 have no such option.
_PLAIN = "--extended-analysis=false"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what shellcheck says of the tree's scripts."""
    folder, program = tree(subject), find("shellcheck")
    begins = {
        path: content(folder / path, limit=40, start=True).split(b"\n")[0]
        for path in rendered(subject, folder, "*")
        if not Path(path).suffix
    }
    scripts = [path for path, first in begins.items() if first.startswith(b"#!") and b"sh" in first]
    yield from _said(program, folder, sorted({*rendered(subject, folder, "*.sh"), *scripts}))


def check_files(files: Files) -> Iterator[Finding]:
    """Yield what shellcheck says of scripts; only what no shell can read fails."""
    for found in _said(find("shellcheck"), Path(), found_files(_scripts(files)), lenient=True):
        is_note = not found.warning and _is_note(files, Path(found.where.split(":")[0]))
        yield replace(found, warning=found.warning or is_note)


def _is_note(files: Files, script: Path) -> bool:
    """Tell whether a file is commands to copy: it cannot be executed, and no other names it."""
    if not script.is_file() or content(script, limit=2, start=True) == b"#!":
        return False
    is_called = any(script.name in str(one.content) for one in files.artifacts)
    return not is_called and not os.access(script, os.X_OK)


def _said(
    program: str, folder: Path, paths: Sequence[str], *, lenient: bool = False
) -> Iterator[Finding]:
    if not paths:
        return
    without = ",".join(exceptions("shellcheck"))
    told = set[tuple[str, int]]()
    options = ["--format=json1", *([f"--exclude={without}"] if without else [])]
    for said in _comments([program, *options], folder, paths):
        if _CRASH in said:
            what = f"shellcheck crashes on this file, so it is not judged ({said[_CRASH]})"
            yield Finding(said["file"], f"{what}; judge it by hand", GATE.id, warning=True)
            continue
        where = f"{said['file'].removeprefix('./')}:{said['line']}:{said['column']}"
        page = f"https://www.shellcheck.net/wiki/SC{said['code']}"
        if lenient and said["code"] in _OF_ITSELF:
            continue
        if said["code"] in _ONCE:
            if (said["file"], _ONCE[said["code"]]) in told:
                continue
            told.add((said["file"], _ONCE[said["code"]]))
        is_broken = said["level"] == "error" and said["code"] in _UNREADABLE
        warning = lenient and (not is_broken or _is_read(said, folder / said["file"]))
        yield Finding(where, f"{said['message']} {page}", GATE.id, warning=warning)


def _comments(
    command: Sequence[str], folder: Path, paths: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """Yield what it says of scripts; of long ones without what needs each way through them."""
    long = [path for path in paths if content(folder / path).count(b"\n") > _LONG]
    if short := [path for path in paths if path not in long]:
        yield from _read(command, folder, short)
    if long:
        try:
            yield from _read([*command, _PLAIN], folder, long)
        except TarmacError:
            yield from _read(command, folder, long)


def _read(
    command: Sequence[str], folder: Path, paths: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """Yield what it says of some; where it crashes, of each half, as it follows one to another."""
    told = run([*command, *paths], folder, reads=paths)
    if not told.strip() or told.startswith("{"):
        yield from dict(read(told)).get("comments", ())
    elif len(paths) == 1:
        yield {"file": paths[0].removeprefix("./"), _CRASH: told.strip().splitlines()[0]}
    else:
        half = len(paths) // 2
        yield from _read(command, folder, paths[:half])
        yield from _read(command, folder, paths[half:])


def _is_read(said: Mapping[str, Any], script: Path) -> bool:
    """Tell whether the shell of a script reads all the same what some shells do not."""
    if said["code"] not in (_SUM, _COMMENT, _INNER, _NEGATED):
        return False
    text = content(script).decode(errors="replace")
    lines = text.splitlines()
    if said["code"] == _NEGATED:
        return bool(_GROUP.search(lines[said["line"] - 1])) and not _PATTERNS.search(text)
    if said["code"] == _INNER:
        return lines[said["line"] - 1].strip() in lines[said["line"] :]
    if said["code"] == _SUM:  # without a first line it is read by the shell that starts it
        return not lines[0].startswith("#!") or _TELLS.match(lines[0]) is not None
    before = (
        line for line in reversed(lines[: said["line"] - 1]) if not line.lstrip().startswith("#")
    )
    return _GOES_ON.search(next(before, "")) is not None


def _scripts(files: Files) -> list[Artifact]:
    paths = (PurePosixPath(one.path) for one in files.artifacts)
    charts = {path.parent for path in paths if path.name == "Chart.yaml"}
    return [
        artifact
        for artifact in files.artifacts
        if isinstance(artifact.content, str)
        and _is_script(artifact.path, artifact.content)
        and not _TEMPLATE.search(artifact.content)
        and not _ESCAPED.search(artifact.content)
        and not _OF_TERRAFORM.search(artifact.path)
        and not (
            _OF_CHART.search(artifact.content) and charts & {*PurePosixPath(artifact.path).parents}
        )
    ]


def _is_script(path: str, text: str) -> bool:
    """Tell whether a shell runs a file: by its first line, or by its name where it has none."""
    if text.startswith("#!"):
        return bool(SHELL.match(text)) and Path(path).suffix in ("", ".sh")
    return path.endswith(".sh")


GATE = Gate(
    id="VAL003",
    title="shellcheck accepts every script",
    phase="kubernetes",
    source="https://www.shellcheck.net",
    check=check,
    of_files=check_files,
    program="shellcheck",
    of_objects=False,
    scope=counted_in_files("scripts", _scripts),
    level=Level.VALID,
    targets=("cluster", "compose", "repository"),
)
