"""What a PostgreSQL holds: says statements to it and loads files of SQL into it."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

import asyncpg

from tarmac.base.errors import TarmacError
from tarmac.catalog.stores.contents import (
    RefusedFile,
    RowSnapshots,
    SeedOutcome,
    SqlFile,
    StoreContents,
    StoreMarks,
)
from tarmac.run.local.stores import postgres_marks, postgres_rows
from tarmac.run.local.stores.postgres_connection import CONNECT_S, REFUSED, asking
from tarmac.run.local.stores.psql_script import NotPsql, Statement, statements

#: Remembers which seed files a database has had; beside the services' own tables.
_SEEDED = (
    "CREATE TABLE IF NOT EXISTS tarmac_seeds (file text PRIMARY KEY, digest text, at timestamptz)"
)
_REMEMBER = (
    "INSERT INTO tarmac_seeds VALUES ($1, $2, now()) "
    "ON CONFLICT (file) DO UPDATE SET digest = excluded.digest, at = excluded.at"
)


async def say(url: str, statements: Iterable[str]) -> None:
    """Say statements one by one.

    Raises:
        TarmacError: the server refused one; its text never holds a secret.
    """
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_S)
        try:
            # A failing statement would be logged whole, and one of them sets a password.
            await connection.execute("SET log_min_error_statement = panic")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()
    except REFUSED as error:
        raise TarmacError(f"set-up failed: {error or type(error).__name__}") from None


async def load(url: str, file: SqlFile, *, again: bool) -> SeedOutcome:
    """Load a file of SQL once per database, in one transaction, as psql reads it.

    Raises:
        RefusedFile: the server cannot be reached, or refuses a statement.
    """
    try:
        return await _load(url, file, again=again)
    except NotPsql as error:
        raise RefusedFile(str(error), error.line) from None
    except REFUSED as error:
        raise RefusedFile(str(error) or type(error).__name__) from None


async def _run(connection: asyncpg.Connection, statement: Statement) -> None:
    """Run a statement. Raises RefusedFile with its line."""
    try:
        if statement.data is None:
            await connection.execute(statement.sql)
        else:
            data = BytesIO(statement.data.encode())
            copy_in = getattr(connection, "_copy_in")  # noqa: B009 - the public ones build the COPY
            await copy_in(statement.sql, data, None)
    except asyncpg.PostgresError as error:
        before = statement.sql[: int(error.position or 1) - 1]
        raise RefusedFile(str(error), statement.line + before.count("\n")) from None


async def _load(url: str, file: SqlFile, *, again: bool) -> SeedOutcome:
    connection = await asyncpg.connect(url, timeout=CONNECT_S)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('tarmac_seeds'))")
            await connection.execute(_SEEDED)
            known = await connection.fetchval(
                "SELECT digest FROM tarmac_seeds WHERE file = $1", file.name
            )
            if known is not None and not again:
                return file.outcome(known)
            for statement in statements(file.content):
                await _run(connection, statement)
            # What pg_dump writes leaves no schema to look in.
            await connection.execute("RESET search_path")
            await connection.execute(_REMEMBER, file.name, file.digest)
            return "applied"
    finally:
        await connection.close()


CONTENTS = StoreContents(
    say=say,
    marks=StoreMarks(postgres_marks.SqlMarks, postgres_marks.written, postgres_marks.rows),
    snapshots=RowSnapshots(postgres_rows.take_snapshot, postgres_rows.restore),
    load=load,
    ask=asking,
)
