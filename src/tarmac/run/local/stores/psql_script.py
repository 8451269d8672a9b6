"""Splits a file of SQL as psql does: statements, the data of COPY, psql's own commands.

Pure. What `pg_dump` writes is read, and whatever needs no other file and no terminal. Source:
https://www.postgresql.org/docs/current/app-psql.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: What a statement is made of, as far as its end depends on it.
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*)
    |(?P<block>/\*)
    |(?P<dollar>\$(?:[A-Za-z_]\w*)?\$)
    |(?P<text>(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")*")
    |(?P<open>\()|(?P<close>\))|(?P<end>;)
    |(?P<command>\\[^\n]*)
    |(?P<variable>(?<![:\w]):(?:'\w+'|"\w+"|[A-Za-z_]\w*))
    |(?P<word>[A-Za-z_]\w*)
    |(?P<stray>['"])""",
    re.VERBOSE | re.DOTALL,
)
_COPY = re.compile(r"\s*COPY\b.*\bFROM\s+STDIN\b", re.IGNORECASE | re.DOTALL)
_COUNTED = ("open", "close", "word")
#: Commands of psql that change only what it prints, or what a connection of its own is.
_IGNORED = frozenset(
    {"connect", "c", "echo", "qecho", "warn", "timing", "encoding", "pset", "restrict"}
    | {"unrestrict", "x", "a", "t"}
)
#: The whole file is one transaction already.
_TRANSACTION = re.compile(
    r"\s*(?:BEGIN|START\s+TRANSACTION|COMMIT|END)(?:\s+(?:WORK|TRANSACTION))?\s*", re.IGNORECASE
)


class Statement(NamedTuple):
    """One statement, and where it begins."""

    line: int
    sql: str
    #: What COPY reads; None for another statement.
    data: str | None = None


class NotPsql(Exception):
    """Something that cannot be read so, and its line."""

    def __init__(self, content: str, position: int, what: str) -> None:
        super().__init__(what)
        self.line = content.count("\n", 0, position) + 1


def statements(content: str) -> Iterator[Statement]:
    """Yield the statements of a file. Raises NotPsql."""
    content = content.removeprefix("\ufeff").replace("\r\n", "\n")
    variables: dict[str, str] = {}
    parts: list[str] = []
    at, start, line, counted = 0, 0, 1, 0
    while (match := _TOKEN.search(content, at)) is not None:
        between = content[at : match.start()]
        if not parts:
            start = match.start() - len(between.lstrip())
            between = between.lstrip()
        parts += [between] if between else []
        said, at = _token(content, match, variables)
        if match.lastgroup != "end" or _goes_on("".join(parts)):
            parts += [said] if parts or said.strip() else []
            continue
        sql, parts = "".join(parts), []
        line, counted = line + content.count("\n", counted, start), start
        if _COPY.match(sql):
            data, at = _data(content, at, start)
            yield Statement(line, sql, data)
        elif sql.strip() and not _TRANSACTION.fullmatch(sql):
            yield Statement(line, sql)
    rest = "".join((*parts, content[at:]))
    if rest.strip() and not _TRANSACTION.fullmatch(rest):
        begin = start if parts else at + len(rest) - len(rest.lstrip())
        yield Statement(line + content.count("\n", counted, begin), rest)


def _goes_on(sql: str) -> bool:
    """Tell whether a semicolon after these words does not end the statement."""
    plain = re.sub(_TOKEN, lambda match: match[0] if match.lastgroup in _COUNTED else " ", sql)
    is_body = bool(re.search(r"\bBEGIN\s+ATOMIC\b", plain, re.IGNORECASE))
    is_open = plain.count("(") > plain.count(")")
    return is_open or (is_body and not re.search(r"\bEND\s*$", plain, re.IGNORECASE))


def _token(content: str, match: re.Match[str], variables: dict[str, str]) -> tuple[str, int]:
    """Return what a token says, and where the rest of the file begins."""
    said, at, begin = match[0], match.end(), match.start()
    match match.lastgroup:
        case "comment":
            return "", at
        case "block":
            return " ", _after_comment(content, at, begin)
        case "command":
            _command(content, begin, said, variables)
            return "", at
        case "variable":
            return _filled(said, variables), at
        case "dollar" if (found := content.find(said, at)) >= 0:
            at = found + len(said)
            return content[begin:at], at
        case "dollar" | "stray":
            raise NotPsql(content, begin, f"{said} is not closed; end the text with it")
    return said, at


def _data(content: str, at: int, start: int) -> tuple[str, int]:
    """Return the data behind a COPY, and where the rest of the file begins."""
    begin = content.find("\n", at) + 1 or len(content)
    end = re.compile(r"^\\\.[ \t]*$", re.MULTILINE).search(content, begin)
    if end is None:
        what = "the data of COPY has no end; write a line of \\. there"
        raise NotPsql(content, start, what)
    return content[begin : end.start()], end.end()


def _after_comment(content: str, at: int, begin: int) -> int:
    """Find the end of a comment; they nest."""
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(content, at):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    raise NotPsql(content, begin, "a comment is not closed; end it with */")


def _command(content: str, position: int, said: str, variables: dict[str, str]) -> None:
    name, _, rest = said[1:].strip().partition(" ")
    if name == "set":
        variable, _, value = rest.strip().partition(" ")
        variables[variable] = value.strip().strip("'")
    elif name == "unset":
        variables.pop(rest.strip(), None)
    elif name not in _IGNORED:
        what = f"\\{name} needs psql itself; do that by a task of a service"
        raise NotPsql(content, position, what)


def _filled(said: str, variables: dict[str, str]) -> str:
    """Put in the value of `:name`, `:'name'` or `:"name"`; others stand for themselves."""
    name = said[1:].strip("'\"")
    if name not in variables:
        return said
    quote = said[1] if said[1] in "'\"" else ""
    return quote + variables[name].replace(quote, quote * 2) + quote if quote else variables[name]
