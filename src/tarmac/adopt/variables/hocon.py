"""Reads settings in HOCON, as Ktor, Play and Akka have them, and the variables that override them.

A key may be given twice: `port = 8080`, then `port = ${?PORT}`, which counts where there is one.
pyhocon fills variables in as it reads, so that it tells neither their names nor their places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.adopt.variables.variable_read import VariableRead, line_of

#: Files in HOCON by their names and folders.
FILE = re.compile(r"(^|/)(?:resources/[\w-]+|application|reference)\.conf$")
#: A text or a variable, which stay whole; a remark; and what ends a line as a line break does.
_PARTS = re.compile(r"(\"(?:\\.|[^\"\\\n])*\"|\$\{[^}\n]{0,99}\})|(?:#|//)[^\n]*|([{}])|(,)")
_OPENS = re.compile(r"(?:\"?([\w.-]+)\"?\s*(?:\+?[=:])?\s*)?\{")
_SAYS = re.compile(r"\"?([\w.-]+)\"?\s*[=:]\s*(\S.*)")
_VARIABLE = re.compile(r"\$\{(\??)([A-Z][A-Z0-9_]*)\}")
_PLAIN = re.compile(r"\"((?:\\.|[^\"\\])*)\"|([^\"$\[\]{}]+)")
#: Groups of settings about a database, whose names say no kind.
_OF_A_DATABASE = re.compile(r"(?i)(?:^|_)(?:storage|hikari|data_?source|jdbc|db|database)$")
#: Ends of the keys in such a group, by what they hold.
_ENDS = (
    (r"(?i)ur[il]$", "URL"),
    (r"(?i)(?:user|username|login)$", "USER"),
    (r"(?i)password$", "PASSWORD"),
    (r"(?i)(?:host|hostname|server_?name)$", "HOST"),
    (r"(?i)port$", "PORT"),
    (r"(?i)(?:name|database)$", "NAME"),
)
_JDBC = re.compile(r"(?i)jdbc|data_?source")


def parsed(text: str) -> dict[str, Any]:
    """Read a file's plain values by their keys; what a variable gives is left out."""
    found: dict[str, Any] = {}
    for steps, said, _ in _assigned(text):
        place = found
        for step in steps[:-1]:
            inner = place.setdefault(step, {})
            place = inner if isinstance(inner, dict) else {}
        if (value := _plain(said)) is not None:
            place[steps[-1]] = value
    return found


def variables(file: str, text: str) -> Iterator[VariableRead]:
    """Yield the variables that override settings, each with what the file says without it."""
    if not FILE.search(file):
        return
    before: dict[tuple[str, ...], str] = {}
    for steps, said, at in _assigned(text):
        if (value := _plain(said)) is not None:
            before[steps] = value
        for match in _VARIABLE.finditer(said):
            is_whole = match[0] == said
            default = before.get(steps, "" if match[1] else None) if is_whole else None
            about = _about(steps) if is_whole else ""
            by_jdbc = is_whole and about.endswith("_URL") and bool(_JDBC.search("_".join(steps)))
            place = f"{file}:{line_of(text, at)}"
            yield VariableRead(match[2], default, place, about=about, by_jdbc=by_jdbc)


def _about(steps: tuple[str, ...]) -> str:
    """Name a setting of a database as a variable would be called; "" for another one."""
    group = "_".join(steps[:-1]).replace("-", "_")
    if not _OF_A_DATABASE.search(group):
        return ""
    return next((f"DATABASE_{end}" for key, end in _ENDS if re.search(key, steps[-1])), "")


def _plain(said: str) -> str | None:
    match = _PLAIN.fullmatch(said)
    return None if match is None else match[1] if match[1] is not None else match[2].strip()


def _assigned(text: str) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """Yield each key's steps with what is given to it, and where that stands."""
    stack: list[tuple[str, ...]] = []
    for said, at in _lines(text):
        if said == "}":
            stack = stack[:-1]
        elif opened := _OPENS.fullmatch(said):
            stack.append(tuple((opened[1] or "").split(".")) if opened[1] else ())
        elif match := _SAYS.fullmatch(said):
            above = tuple(step for steps in stack for step in steps)
            yield (*above, *match[1].split(".")), match[2], at


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield a file's lines without remarks, and where each begins; a brace and a comma end one."""
    kept, begin, last = "", 0, 0

    def ended(behind: int) -> Iterator[tuple[str, int]]:
        nonlocal kept, begin
        if kept.strip():
            yield kept.strip(), begin + len(kept) - len(kept.lstrip())
        kept, begin = "", behind

    for match in re.finditer(rf"{_PARTS.pattern}|(\n)", text):
        kept += text[last : match.start()]
        last = match.end()
        if match[1]:
            kept += match[1]
        elif match[2] == "{":
            kept += "{"
            yield from ended(last)
        elif match[2] or match[3] or match[4]:
            yield from ended(last)
            if match[2]:
                yield "}", match.start()
    kept += text[last:]
    yield from ended(len(text))
