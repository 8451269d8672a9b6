"""A role that may insert into a table of PostgreSQL may use the sequence of its numbers."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.sql_comments import without_comments

_NAME = r"[\w.\"]+"
#: A column whose numbers are of a sequence that is an object of its own, with its own rights; the
#: sequence of an identity column is its table's.
_TABLE = re.compile(
    rf"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?({_NAME})\s*\(([^;]*)",
    re.IGNORECASE,
)
_SERIAL = re.compile(r"(?:\A|,)\s*([\w\"]+)\s+(?:big|small)?serial\b", re.IGNORECASE)
_GRANT = re.compile(
    rf"\bGRANT\s+([\w\s,]*?)\s+ON\s+(?:TABLE\s+)?((?:{_NAME}\s*,\s*)*{_NAME})\s+TO\s+"
    rf"((?:{_NAME}\s*,\s*)*{_NAME})",
    re.IGNORECASE,
)
#: What gives rights on sequences, or makes a role stand for another one.
_SEQUENCES = re.compile(
    r"\bSEQUENCES?\b|\bOWNER\s+TO\b|\bAUTHORIZATION\b|\bSUPERUSER\b", re.IGNORECASE
)


class TableGrant(NamedTuple):
    """A statement that lets roles insert into a table."""

    where: str
    table: str
    roles: str


def check(files: Files) -> Iterator[Finding]:
    """Yield grants by which each insert is refused at its sequence."""
    for texts in _folders(files):
        every = "\n".join(texts.values())
        if _SEQUENCES.search(every):
            continue
        numbered = dict(_numbered(every))
        for one in _grants(texts) if numbered else ():
            column = numbered.get(one.table)
            if column is not None:
                sequence = f"{one.table}_{column}_seq"
                sequence = sequence if sequence.islower() else f'"{sequence}"'
                what = f"lets {one.roles} insert into {one.table}, and not use {sequence}, which"
                said = f"{what} counts its {column} (serial): each insert is refused; write"
                yield Finding(one.where, f"{said} GRANT USAGE ON SEQUENCE {sequence} as well")


def _numbered(text: str) -> Iterator[tuple[str, str]]:
    """Yield tables with a column that a sequence counts, and its name."""
    for table, body in _TABLE.findall(text):
        if found := _SERIAL.search(body):
            yield _plain(table), _plain(found[1])


def _grants(texts: dict[str, str]) -> Iterator[TableGrant]:
    for path, text in texts.items():
        for found in _GRANT.finditer(text):
            rights = {right.strip().upper() for right in found[1].split(",")}
            if rights & {"INSERT", "ALL", "ALL PRIVILEGES"}:
                where = f"{path}:{text.count(chr(10), 0, found.start()) + 1}"
                for table in found[2].split(","):
                    yield TableGrant(where, _plain(table), " ".join(found[3].split()))


def _plain(name: str) -> str:
    """Write a name as the server has it: of small letters, where no quotes keep others."""
    return name.strip().replace('"', "") if '"' in name else name.strip().lower()


def _folders(files: Files) -> Iterator[dict[str, str]]:
    """Yield the statements of each folder of SQL, by the file, comments left out."""
    folders: dict[str, dict[str, str]] = {}
    for artifact in _scripts(files):
        text = without_comments(str(artifact.content))
        folders.setdefault(posixpath.dirname(artifact.path), {})[artifact.path] = text
    yield from folders.values()


@once
def _scripts(files: Files) -> Iterator[Artifact]:
    yield from (one for one in files.artifacts if one.path.endswith(".sql"))


GATE = Gate(
    id="SQL036",
    title="A role that may insert into a table may use the sequence of its numbers",
    phase="services",
    source="https://www.postgresql.org/docs/current/sql-grant.html: rights on a table do not "
    "extend to sequences that it uses, serial columns included",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files of SQL", _scripts),
    targets=(),
    reads="GRANT INSERT on tables with a serial column, in folders of SQL where nothing is said of "
    "a sequence or an owner. Judges files without a plan only.",
)
