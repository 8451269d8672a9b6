"""An index of a table of MySQL is as short as the server takes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_LONGEST = 3072
#: Of the rows of older tables.
_OLDER = 767
_BYTES = {"utf8mb4": 4, "utf8mb3": 3, "utf8": 3, "latin1": 1, "ascii": 1, "binary": 1, "ucs2": 2}
_APART = re.compile(r"--[^\n]*|#[^\n]*|/\*(?!!).*?\*/", re.DOTALL)
_TABLE = re.compile(
    r"\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?((?:[\w`]+\.)?[\w`]+)\s*\(", re.IGNORECASE
)
_CHARSET = re.compile(
    r"\b(?:CHARSET|CHARACTER\s+SET)\s*=?\s*(\w+)|\bCOLLATE\s*=?\s*([a-z0-9]+)_", re.IGNORECASE
)
_COLUMN = re.compile(
    r"`?(\w+)`?\s+(VARCHAR|CHAR|VARBINARY|BINARY)\s*\(\s*(\d+)\s*\)(.*)", re.IGNORECASE | re.DOTALL
)
_TEXT = re.compile(
    r"`?(\w+)`?\s+((?:TINY|MEDIUM|LONG)?(?:TEXT|BLOB))\b(.*)", re.IGNORECASE | re.DOTALL
)
_KEY = re.compile(
    r"(?:CONSTRAINT\s+(?:([\w`]+)\s+)?)?(?:PRIMARY\s+KEY|UNIQUE(?:\s+(?:KEY|INDEX))?|KEY|INDEX)"
    r"\s*([\w`]*)\s*(?:USING\s+BTREE\s*)?\((.*)\)[^()]*",
    re.IGNORECASE | re.DOTALL,
)
_PART = re.compile(r"`?(\w+)`?\s*(?:\(\s*(\d+)\s*\))?\s*(?:ASC|DESC)?", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'")
_OWN_KEY = re.compile(r"\bUNIQUE\b|\bPRIMARY\s+KEY\b", re.IGNORECASE)
_MYSQL = re.compile(r"\bENGINE\s*=\s*InnoDB\b", re.IGNORECASE)
_OLD_ROWS = re.compile(r"\bROW_FORMAT\s*=\s*(COMPACT|REDUNDANT)\b", re.IGNORECASE)
#: What MariaDB does in another way, where it is named.
_MARIADB = re.compile(r"mariadb|uca1400", re.IGNORECASE)


class IndexedTable(NamedTuple):
    """A table as a file makes it: its parts with their lines, and what follows them."""

    artifact: Artifact
    parts: tuple[tuple[int, str], ...]
    rest: str


class Column(NamedTuple):
    """A column of texts."""

    kind: str
    #: So many characters or bytes it takes; None: there is no limit.
    size: int | None
    #: The bytes of each; None: not known.
    width: int | None


def check(files: Files) -> Iterator[Finding]:
    """Yield keys that are too long, and those over texts of any length."""
    for table in _tables(files):
        columns = _columns(table)
        most = _OLDER if _OLD_ROWS.search(table.rest) else _LONGEST
        for line, name, parts in _keys(table):
            where, known = f"{table.artifact.path}:{line}", [columns.get(one) for one, _ in parts]
            long = [
                (part[0], column)
                for part, column in zip(parts, known, strict=True)
                if column is not None and column.size is None and not part[1]
            ]
            if long:
                what = (
                    f"the key {name} has {long[0][0]}, a {long[0][1].kind}, without a length, which"
                )
                yield Finding(
                    where, f"{what} MySQL refuses; write {long[0][0]}(191), or shorten it"
                )
                continue
            total = sum(map(_bytes, parts, known))
            if total > most:
                what = (
                    f"the key {name} takes up to {total} bytes, and InnoDB takes {most}: the table"
                )
                said = f"{what} is refused; shorten a column, or write a length of its beginning"
                yield Finding(where, said)


def _bytes(part: tuple[str, int], column: Column | None) -> int:
    """Count the bytes of a part of a key; 0 where they are few, or not known."""
    if column is None or column.width is None:
        return 0
    size = part[1] or column.size or 0
    return size * column.width


def _columns(table: IndexedTable) -> dict[str, Column]:
    whole, found = _charset(table.rest), dict[str, Column]()
    for _, text in table.parts:
        if _KEY.fullmatch(text):
            continue
        if (sized := _COLUMN.match(text)) is not None:
            is_text = "binary" not in sized[2].lower()
            width = (_charset(sized[4]) or whole) if is_text else 1
            found[sized[1].lower()] = Column(sized[2].upper(), int(sized[3]), width)
        elif (text_one := _TEXT.match(text)) is not None:
            is_text = text_one[2].upper().endswith("TEXT")
            width = (_charset(text_one[3]) or whole) if is_text else 1
            found[text_one[1].lower()] = Column(text_one[2].upper(), None, width)
    return found


def _charset(text: str) -> int | None:
    """Return the bytes of a character; None where a text names no set that is known."""
    found = [one or other for one, other in _CHARSET.findall(text)]
    return _BYTES.get(found[0].lower()) if found else None


def _keys(table: IndexedTable) -> Iterator[tuple[int, str, list[tuple[str, int]]]]:
    """Yield the keys of a table: the line, the name, and the columns with their lengths."""
    for line, text in table.parts:
        if (key := _KEY.fullmatch(text)) is not None:
            found = [_PART.fullmatch(one.strip()) for one in re.split(r",(?![^()]*\))", key[3])]
            if all(found):
                parts = [(one[1].lower(), int(one[2] or 0)) for one in found if one]
                name = (key[2] or key[1] or parts[0][0]).strip("`")
                yield line, name, parts
        elif (column := _COLUMN.match(text) or _TEXT.match(text)) and _OWN_KEY.search(text):
            yield line, column[1], [(column[1].lower(), 0)]


@once
def _tables(files: Files) -> Iterator[IndexedTable]:
    for artifact in files.artifacts:
        text = str(artifact.content) if artifact.path.lower().endswith(".sql") else ""
        if not _MYSQL.search(text) or _MARIADB.search(text) or _MARIADB.search(artifact.path):
            continue
        plain = _APART.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
        for found in _TABLE.finditer(plain):
            parts, end = _split(plain, found.end())
            rest = plain[end : plain.find(";", end) + 1 or len(plain)]
            if _MYSQL.search(rest):
                yield IndexedTable(artifact, tuple(parts), rest)


def _split(text: str, start: int) -> tuple[list[tuple[int, str]], int]:
    """Part what is in a table's brackets by its commas; with the place behind the last one."""
    parts, depth, begun, quoted = list[tuple[int, str]](), 0, start, ""
    for place in range(start, len(text)):
        sign = text[place]
        if quoted or sign in "'\"":
            quoted = sign if not quoted else "" if sign == quoted else quoted
        elif sign == "(":
            depth += 1
        elif (sign == ")" and not depth) or (sign == "," and not depth):
            own = text[begun:place]
            line = text.count("\n", 0, begun + len(own) - len(own.lstrip())) + 1
            parts.append((line, _QUOTED.sub("''", own).strip()))
            begun = place + 1
            if sign == ")":
                return parts, place + 1
        elif sign == ")":
            depth -= 1
    return parts, len(text)


GATE = Gate(
    id="SQL035",
    title="An index of a table of MySQL is as short as the server takes it",
    phase="services",
    source="https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html: a key has 3072 bytes at "
    "most, or 767 with older rows; https://dev.mysql.com/doc/refman/8.4/en/column-indexes.html: a "
    "text has to have a length in it",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("tables of InnoDB", _tables),
    targets=(),
    reads="CREATE TABLE with ENGINE=InnoDB in files of SQL: columns with a length and their "
    "character set, and keys over them. MariaDB, which makes some of them shorter, is left out "
    "where it is named. Judges files without a plan only.",
)
