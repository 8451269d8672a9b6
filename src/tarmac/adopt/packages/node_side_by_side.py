"""Takes apart a script of package.json that starts programs of several languages at a time.

`concurrently "npm run pages" "flask run" "celery -A app worker"` is three programs. One whose
parts are all Node's stays whole: they are one program with its compiler, or stand in folders of
their own.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import NamedTuple

#: Options of concurrently with a value of their own.
_WITH_VALUE = re.compile(
    r"-n|--names|-c|--prefix-colors|-p|--prefix|-l|--prefix-length|-m|--max-processes|-s|--success|"
    r"--restart-tries|--restart-after|--name-separator|-i|--default-input-target|--hide"
)
_NAMES = ("-n", "--names")
_OF_A_SCRIPT = re.compile(r"(?:(?:npm|pnpm|yarn|bun)(?: run)?(?: -s)? |npm:)([\w:.-]+)")
#: Programs of other languages.
_OF_OTHERS = re.compile(
    r"(?:\S*/)?(?:python[\d.]*|flask|celery|gunicorn|uvicorn|hypercorn|daphne|rq|uv|poetry|pipenv|"
    r"bundle|rails|php|go|air|cargo|dotnet|mix|java|mvnw?|gradlew?)(?=\s|$)|\S*manage\.py\b"
)
#: What makes pages again after each edit: no program of its own.
_WATCHES = re.compile(
    r"\bwebpack\b(?! serve)|\b(?:tsc|sass|postcss|tailwindcss|esbuild|rollup)\b|\bbuild\b"
)
#: The usual numbers of servers that are told none.
_PORTS = ((r"\bflask\b.*\brun\b", 5000), (r"\b(?:uvicorn|gunicorn|runserver|hypercorn)\b", 8000))


#: A line for a package in a folder below: `npm:dev --workspace api`, `cd web && npm start`.
_OF_A_PACKAGE = re.compile(
    r"(?:npm|pnpm|yarn|bun)\b.*?\s(?:-w|--workspace|--filter|-F|--prefix|-C|--dir|--cwd|workspace)"
    r"[= ]\S|npm:\S+ (?:-w|--workspace|--prefix)[= ]\S|cd \S+ *(?:&&|;)"
)
#: Scripts name others, which name others: so many steps at most.
_DEEPEST = 3


class Beside(NamedTuple):
    """One of the programs that a script starts."""

    name: str
    words: tuple[str, ...]
    port: int


def side_by_side(script: str, scripts: Mapping[str, str]) -> tuple[Beside, ...]:
    """Return the programs that a script starts; () where it is one, or all are Node's."""
    try:
        argv = shlex.split(script)
    except ValueError:
        return ()
    argv = argv[next((n for n, w in enumerate(argv) if "=" not in w.split("/")[0]), 0) :]
    argv = argv[1:] if argv[:1] == ["npx"] else argv
    if not argv or posixpath.basename(argv[0]) != "concurrently":
        return ()
    pairs = [(name, _of_scripts(line, scripts)) for name, line in told_lines(argv[1:])]
    if not any(_OF_OTHERS.match(line) for _, line in pairs):
        return ()
    found = (
        Beside(name or _named(line), tuple(shlex.split(line)), _port(line))
        for name, line in pairs
        if not (_WATCHES.search(line) and not _OF_OTHERS.match(line))
    )
    return tuple(found)


def starts_packages(script: str, scripts: Mapping[str, str]) -> bool:
    """Tell whether all that a script starts at a time is packages below, which stand for it."""
    try:
        words = shlex.split(script)
    except ValueError:
        return False
    at = next((n for n, w in enumerate(words) if posixpath.basename(w) == "concurrently"), -1)
    lines = told_lines(words[at + 1 :]) if at >= 0 else []
    return bool(lines) and all(_is_of_a_package(line, scripts) for _, line in lines)


def _is_of_a_package(line: str, scripts: Mapping[str, str]) -> bool:
    for _ in range(_DEEPEST):
        if _OF_A_PACKAGE.match(line.strip()):
            return True
        match = _OF_A_SCRIPT.fullmatch(line.strip())
        line = scripts.get(match[1], "") if match else ""
    return False


def told_lines(words: Iterable[str]) -> list[tuple[str, str]]:
    """Return the lines that `concurrently` is told to run, each with its name or ""."""
    names, lines, skip = list[str](), list[str](), ""
    for word in words:
        if skip:
            names = word.split(",") if skip in _NAMES else names
            skip = ""
        elif word.startswith("-"):
            skip = word if _WITH_VALUE.fullmatch(word) else ""
        else:
            lines.append(word)
    called = names if len(names) == len(lines) else [""] * len(lines)
    return [*zip(called, lines, strict=True)]


def _of_scripts(line: str, scripts: Mapping[str, str]) -> str:
    """Return what a script does that a line names, where that is another language's."""
    match = _OF_A_SCRIPT.fullmatch(line.strip())
    text = scripts.get(match[1], "") if match else ""
    return text if _OF_OTHERS.match(text) or _WATCHES.search(text) else line


def _named(line: str) -> str:
    words = line.split()
    files = [word for word in words if re.search(r"\.(?:py|[cm]?js|ts)$", word)]
    named = posixpath.basename((files or words[:1] or ["app"])[0])
    return posixpath.splitext(named)[0]


def _port(line: str) -> int:
    told = re.search(r"--port[= ](\d{2,5})\b|:(\d{2,5})(?:\s|$)", line)
    if told:
        return int(told[1] or told[2])
    return next((port for pattern, port in _PORTS if re.search(pattern, line)), 0)
