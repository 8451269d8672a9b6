"""A role that is given a database of PostgreSQL may make tables in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.first_scripts import FirstScript, FirstScripts, first_scripts
from tarmac.check.gates.views.scope import counted_in_files

#: From this version on `public` is its owner's alone.
_SINCE = 15
_SERVERS = ("postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha")
_NAME = r"[\"']?(\$?[\w{}:.-]+)[\"']?"
_GRANT = re.compile(
    rf"\bGRANT\s+ALL(?:\s+PRIVILEGES)?\s+ON\s+DATABASE\s+{_NAME}\s+TO\s+{_NAME}", re.IGNORECASE
)
_COMMENT = re.compile(r"(?m)--[^\n]*|^[ \t]*#[^\n]*")
#: What gives roles rights inside of a database, whichever they are.
_INSIDE = re.compile(
    r"\bON\s+SCHEMA\b|\bALTER\s+SCHEMA\b|\bCREATE\s+SCHEMA\b|\bAUTHORIZATION\b"
    r"|\bON\s+ALL\s+TABLES\b|\bALTER\s+DEFAULT\s+PRIVILEGES\b|\bCREATE\s+(?:UNLOGGED\s+)?TABLE\b"
    r"|\bpg_database_owner\b|\bREASSIGN\s+OWNED\b|pg_restore|\\i\b|\bpsql\b[^\n]*\s-f\s",
    re.IGNORECASE,
)


class DatabaseGrant(NamedTuple):
    """A statement that gives a role all rights on a database, and no table or schema in it."""

    where: str
    database: str
    role: str


def check(files: Files) -> Iterator[Finding]:
    """Yield roles whose first table is refused."""
    for one in first_scripts(files):
        version = _version(one)
        texts = [_COMMENT.sub("", script.text or "") for script in one.scripts]
        is_known = all(script.text is not None for script in one.scripts)
        if version is None or version < _SINCE or not is_known or any(map(_INSIDE.search, texts)):
            continue
        told = set[str]()
        for grant in _grants(one):
            if grant.where not in told and _is_plain(grant, "\n".join(texts)):
                told.add(grant.where)
                what = f"gives {grant.role} all rights on the database {grant.database}, which are"
                said = (
                    f"{what} none on its schema public from PostgreSQL {_SINCE} on: the first table"
                )
                advice = f"of it is refused; write ALTER DATABASE {grant.database} OWNER TO"
                yield Finding(grant.where, f"{said} {advice} {grant.role}", warning=True)


def _is_plain(grant: DatabaseGrant, text: str) -> bool:
    """Tell whether a role is made here, and is neither an owner, nor a member, nor above all."""
    role = rf"[\"']?{re.escape(grant.role)}[\"']?(?![\w-])"
    made = re.search(rf"\bCREATE\s+(?:USER|ROLE)\s+{role}([^;]*)", text, re.IGNORECASE)
    above = re.search(rf"\b(?:USER|ROLE)\s+{role}[^;]*\bSUPERUSER\b", text, re.IGNORECASE)
    owns = re.search(rf"\bOWNER\s*(?:TO|=)?\s*{role}", text, re.IGNORECASE)
    member = re.search(rf"\bGRANT\s+[\w\"]+\s+TO\s+{role}", text, re.IGNORECASE)
    return made is not None and not (above or owns or member)


def _version(one: FirstScripts) -> int | None:
    """Read the version of the PostgreSQL that runs scripts; None where it is another server."""
    for image in one.images:
        name, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
        if name in _SERVERS and "$" not in image:
            found = re.match(r"(?:.*pg)?(\d+)", tag)
            return int(found[1]) if found else _latest(tag)
    return None


def _latest(tag: str) -> int | None:
    return _SINCE if tag in ("", "latest", "alpine", "bookworm") else None


def _grants(one: FirstScripts) -> Iterator[DatabaseGrant]:
    for script in one.scripts:
        if script.name.endswith((".sql", ".sh")):
            yield from _in(script)


def _in(script: FirstScript) -> Iterator[DatabaseGrant]:
    text = _COMMENT.sub(lambda found: " " * len(found[0]), script.text or "")
    for found in _GRANT.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        where = f"{script.path}:{line}" if script.path else script.where
        yield DatabaseGrant(where, found[1], found[2])


def _judged(files: Files) -> Iterator[object]:
    for one in first_scripts(files):
        if _version(one) is not None:
            yield from _grants(one)


GATE = Gate(
    id="SQL034",
    title="A role that is given a database of PostgreSQL may make tables in it",
    phase="services",
    source="https://www.postgresql.org/docs/release/15.0: CREATE on the schema public is no "
    "longer given to all; https://www.postgresql.org/docs/current/ddl-priv.html: CREATE on a "
    "database is about schemas, and on a schema about tables",
    check=check,
    of_files=check,
    scope=counted_in_files("grants of databases", _judged),
    targets=("compose",),
    reads="GRANT ALL ON DATABASE in scripts that an image of PostgreSQL begins with, where none of "
    "them is about schemas or tables and the role owns nothing. What the role does is not known, "
    "so it is a warning.",
)
