"""Loads files of SQL into a MySQL, as its own client does.

A definition cannot be taken back there: of a file that fails in the middle the first half stays,
and it is loaded again once it is corrected.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pymysql
from pymysql.constants import CLIENT

from tarmac.catalog.stores.contents import (
    RefusedFile,
    RowSnapshots,
    SeedOutcome,
    SqlFile,
    StoreContents,
)
from tarmac.run.local.stores import mysql_rows
from tarmac.run.local.stores.mysql_connection import connect

_LOCK = "SELECT GET_LOCK('tarmac_seeds', 60)"
_SEEDED = (
    "CREATE TABLE IF NOT EXISTS tarmac_seeds "
    "(file varchar(255) PRIMARY KEY, digest char(64), at timestamp)"
)
_REMEMBER = "REPLACE INTO tarmac_seeds VALUES (%s, %s, now())"
#: A line for the client, not for the server: what ends a statement from there on.
_DELIMITER = re.compile(r"^[ \t]*DELIMITER[ \t]+(\S+)[ \t]*$", re.IGNORECASE | re.MULTILINE)


async def load(url: str, file: SqlFile, *, again: bool) -> SeedOutcome:
    """Load it once per database; with `again` also where it was loaded before.

    Raises:
        RefusedFile: the server cannot be reached, or refuses a statement.
    """
    return await asyncio.to_thread(_load, url, file, again=again)


def _load(url: str, file: SqlFile, *, again: bool) -> SeedOutcome:
    try:
        with connect(url, CLIENT.MULTI_STATEMENTS) as connection:
            cursor = connection.cursor()
            for statement in (_LOCK, _SEEDED):
                cursor.execute(statement)
            cursor.execute("SELECT digest FROM tarmac_seeds WHERE file = %s", (file.name,))
            known = cursor.fetchone()
            if known is not None and not again:
                return file.outcome(known[0])
            for statements in as_sent(file.content):
                cursor.execute(statements)
                while cursor.nextset():
                    pass
            cursor.execute(_REMEMBER, (file.name, file.digest))
            return "applied"
    except pymysql.MySQLError as error:
        raise RefusedFile(str(error.args[-1]) if error.args else str(error)) from None


def as_sent(content: str) -> Iterator[str]:
    """Yield what the server is sent: it splits at semicolons by itself, and knows no DELIMITER."""
    delimiter, start = ";", 0
    for match in [*_DELIMITER.finditer(content), None]:
        part = content[start : match.start() if match else None]
        pieces = [part] if delimiter == ";" else part.split(delimiter)
        yield from (piece for piece in pieces if has_statement(piece))
        if match:
            delimiter, start = match[1], match.end()


def has_statement(text: str) -> bool:
    """Tell whether there is anything but blanks, semicolons and comments."""
    return bool(re.sub(r"--[^\n]*|#[^\n]*|/\*(?!!).*?\*/|[\s;]", "", text, flags=re.DOTALL))


CONTENTS = StoreContents(
    load=load, snapshots=RowSnapshots(mysql_rows.take_snapshot, mysql_rows.restore)
)
