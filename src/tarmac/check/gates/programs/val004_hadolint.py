"""Dockerfiles follow the known good practice: hadolint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, is_dockerfile, stages
from tarmac.check.gates.views.images.instructions import instructions
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

#: What it calls an error, and is built all the same: a relative WORKDIR, sudo, ADD, MAINTAINER.
OF_TASTE = ("DL3000", "DL3004", "DL3020", "DL4000")
#: Its steps are not read by a shell of Unix, for which shellcheck takes them.
_OF_WINDOWS = re.compile(
    r'(?mi)^SHELL\s*\[\s*"(powershell|pwsh|cmd)\b'
    r"|^FROM\s+(--\S+\s+)?\S*(/windows/|windowsservercore|nanoserver)"
)
#: A word that is a whole line.
_ALONE = re.compile(r"[A-Z][A-Z0-9_]*[ \t]*")
#: Where Docker reads the second port; it says so since BuildKit, and builds.
_EMBEDDED = re.compile(r"(?mi)^[ \t]*(RUN|COPY|ADD)\b(.*\\[ \t]*\n)*.*<<-?['\"]?[a-z_]")
#: Where a variable is named that gets a value, and where one is read.
_NAME = re.compile(r"(?:^|\s)([A-Za-z_]\w*)(?==|\s|$)")
_READ = re.compile(r"\$(?:\{(\w+)[:}]|(\w+))")
#: A mount without its place is at WORKDIR; one of these kinds needs it.
_PLACED = re.compile(r"--mount=\S*\btype=(?:cache|tmpfs|secret|ssh)\b")
#: What it says where it looks for an instruction, and which there are.
_FIRST_WORD = "ADD, ARG, CMD, COPY"
_INSTRUCTIONS = frozenset({
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
    "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
})  # fmt: skip
#: A time of several units, as Go reads it: `--interval=1m30s`.
_LASTING = re.compile(r"(?i)^[ \t]*HEALTHCHECK\b.*\s--[a-z-]+=(\d+(\.\d+)?(ms|[hms])){2,}\s")
_MAPPED = re.compile(r"(?i)^[ \t]*EXPOSE\b.*\d:\d")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what hadolint says of the tree's Dockerfiles."""
    folder, program = tree(subject), find("hadolint")
    paths = rendered(subject, folder, "Dockerfile", "*.Dockerfile", "Dockerfile.*")
    yield from _said(program, folder, [path for path in paths if is_dockerfile(path)])


def check_files(files: Files) -> Iterator[Finding]:
    """Yield what hadolint says of Dockerfiles; only what fails or misleads is an error."""
    yield from _said(find("hadolint"), Path(), found_files(dockerfiles(files)), lenient=True)


def _said(
    program: str, folder: Path, paths: Sequence[str], *, lenient: bool = False
) -> Iterator[Finding]:
    if not paths:
        return
    without = [option for code in exceptions("hadolint") for option in ("--ignore", code)]
    answer = run([program, "-f", "json", *without, *paths], folder, reads=paths)
    if answer and not answer.startswith("["):  # it breaks off at the first file that it crashes on
        for path in paths if len(paths) > 1 else ():
            yield from _said(program, folder, [path], lenient=lenient)
        if len(paths) == 1:
            why = answer.strip().splitlines()[0]
            what = f"hadolint crashes on this file, so it is not judged ({why}); judge it by hand"
            yield Finding(paths[0].removeprefix("./"), what, GATE.id, warning=True)
        return
    of_windows = {path for path in paths if _OF_WINDOWS.search(_text(folder / path))}
    for said in read(answer):
        if said["code"].startswith("SC") and said["file"] in of_windows:
            continue
        where = f"{said['file'].removeprefix('./')}:{said['line']}:{said['column']}"
        is_of_taste = said["code"] in OF_TASTE or _is_taken(said, folder)
        warning = lenient and (said["level"] != "error" or is_of_taste)
        yield Finding(where, f"{said['message']} ({said['code']})", GATE.id, warning=warning)


def _is_taken(said: Mapping[str, Any], folder: Path) -> bool:
    """Tell whether Docker takes what hadolint cannot read: a port as one publishes it, a text."""
    if said["code"] not in ("DL1000", "DL3011", "DL3044", "DL3061"):
        return False
    text = _text(folder / said["file"])
    if said["code"] == "DL3044":
        return _is_set_before(text, said["line"])
    if said["code"] == "DL3061":
        return _is_part(said["file"], text)
    if said["code"] == "DL1000" and _FIRST_WORD in said["message"] and _is_read(text):
        return True
    line = "".join(text.splitlines()[said["line"] - 1 : said["line"]])
    # A script puts an instruction, or nothing, in the place of a word that stands alone.
    is_alone = _ALONE.fullmatch(line) is not None and line.strip() not in _INSTRUCTIONS
    if said["code"] == "DL1000" and is_alone:
        return True
    if said["code"] == "DL1000" and "for mount flag" in said["message"]:
        return _PLACED.search(line) is None
    if said["code"] == "DL1000" and _LASTING.match(line):
        return True
    is_text = said["code"] == "DL1000" and _EMBEDDED.search(text) is not None
    return is_text or _MAPPED.search(line) is not None


def _is_part(path: str, text: str) -> bool:
    """Tell whether a script puts a file behind another one: it has no FROM, and is called so."""
    own = Path(path).name
    is_named = own not in ("Dockerfile", "Containerfile")
    return is_named and not any(one.word == "FROM" for one in instructions(text))


def _is_read(text: str) -> bool:
    """Tell whether each instruction begins with a word that Docker knows, as it joins lines."""
    return all(one.word in _INSTRUCTIONS for one in instructions(text))


def _is_set_before(text: str, line: int) -> bool:
    """Tell whether what an ENV reads of its own names has a value by an ARG before it."""
    for stage in stages(text):
        own = next((one for one in stage.instructions if one.line == line), None)
        if own is not None:
            earlier = [one for one in stage.whole if one.line < line and one.word == "ARG"]
            known = {name for one in earlier for name in _names(one.rest)}
            asked = {name for pair in _READ.findall(own.rest) for name in pair if name}
            return not (asked & {*_names(own.rest)}) - known - {"PATH"}  # each base has one
    return False


def _names(rest: str) -> list[str]:
    return _NAME.findall(rest) or rest.split()[:1]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


GATE = Gate(
    id="VAL004",
    title="hadolint accepts every Dockerfile",
    phase="containers",
    source="https://github.com/hadolint/hadolint",
    check=check,
    of_files=check_files,
    program="hadolint",
    of_objects=False,
    scope=counted_in_files("Dockerfiles", dockerfiles),
    level=Level.VALID,
    targets=("cluster", "compose", "repository"),
)
