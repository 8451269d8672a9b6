"""Reads and writes `.env` files as other tools do: quotes, `export`, comments, several lines.

Called by the vault, for secrets, by `adopt`, for what a repository already says, and by
`env`. A leaf: opens no file and imports nothing of Tarmac.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ENTRY = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*"
    r"(?:'(?P<literal>[^']*)'|\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<plain>[^\n]*))"
    r"(?P<rest>[^\n]*)(?:\n|$)",
    re.DOTALL,
)
_IGNORED = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def parse(text: str) -> tuple[dict[str, str], tuple[int, ...]]:
    """Read `KEY=value` lines.

    Within double quotes `\\n`, `\\"` and the like are escapes; within single ones nothing is;
    without quotes a value ends before ` #`. Both kinds of quotes may hold line breaks.

    Returns:
        The values by name, the last one winning, and the numbers of lines of another form.
    """
    text = text.replace("\r\n", "\n")
    values: dict[str, str] = {}
    wrong: list[int] = []
    position = 0
    number, counted = 1, 0
    while position < len(text):
        number, counted = number + text.count("\n", counted, position), position
        if match := _IGNORED.match(text, position):
            position = match.end()
            continue
        match = _ENTRY.match(text, position)
        if match is None or not _IGNORED.fullmatch(match["rest"]):
            wrong.append(number)
            end = text.find("\n", position)
            position = len(text) if end < 0 else end + 1
            continue
        position = match.end()
        values[match["name"]] = _value(match)
    return values, tuple(wrong)


def literal_names(text: str) -> frozenset[str]:
    """List the variables whose values stand in single quotes: nothing in them is filled in."""
    found = _ENTRY.finditer(text.replace("\r\n", "\n"))
    return frozenset(match["name"] for match in found if match["literal"] is not None)


def replaced(text: str, name: str, value: str) -> str:
    """Give a variable another value where it is set last; all else stays as it is written."""
    found = None
    position = 0
    while position < len(text):
        match = _IGNORED.match(text, position) or _ENTRY.match(text, position)
        if match is None:
            end = text.find("\n", position)
            position = len(text) if end < 0 else end + 1
            continue
        if match.re is _ENTRY and match["name"] == name:
            found = match
        position = match.end()
    if found is None:
        separator = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{separator}{write({name: value})}"
    before = text[found.start() : found.start("name")]
    return text[: found.start()] + before + write({name: value}) + text[found.end() :]


def write(values: Mapping[str, str]) -> str:
    """Write `KEY=value` lines that `parse` and other tools read back.

    Values are quoted where they must be, singly where they can be: there nothing is an escape and
    no tool expands variables.
    """
    return "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())


def _quoted(value: str) -> str:
    if re.fullmatch(r"[\w./:@%+,=-]*", value, re.ASCII):
        return value
    if not {"'", "\n", "\r"} & {*value}:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'


def _value(match: re.Match[str]) -> str:
    if (literal := match["literal"]) is not None:
        return str(literal)
    if (quoted := match["quoted"]) is not None:
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), quoted, flags=re.DOTALL)
    return re.sub(r"(^|(?<![ \t])[ \t]+)#.*$", "", str(match["plain"])).rstrip()
