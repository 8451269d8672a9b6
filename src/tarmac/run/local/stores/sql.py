"""Runs set-up statements and seeds in a store that answers SQL."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from tarmac.base.errors import TarmacError
from tarmac.base.launch import Sql, reveal
from tarmac.plan.plan import Seed
from tarmac.run.local.stores.sql_file import RefusedFile, SeedOutcome, SqlFile

CONNECT_S = 10.0
#: What a server or the way to it can answer; InterfaceError is a connection that was just lost.
REFUSED = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
#: Remembers which seed files a database has had; beside the services' own tables.
_SEEDED = (
    "CREATE TABLE IF NOT EXISTS tarmac_seeds (file text PRIMARY KEY, digest text, at timestamptz)"
)
_REMEMBER = (
    "INSERT INTO tarmac_seeds VALUES ($1, $2, now()) "
    "ON CONFLICT (file) DO UPDATE SET digest = excluded.digest, at = excluded.at"
)


@asynccontextmanager
async def asking(store: str, url: str, *, within_s: float) -> AsyncIterator[Any]:
    """Give a connection to ask a store over; each statement has `within_s`.

    Raises:
        TarmacError: it cannot be reached, or refuses what is asked.
    """
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_S, command_timeout=within_s)
        try:
            yield connection
        finally:
            await connection.close()
    except REFUSED as error:
        raise TarmacError(
            f"{store}: cannot be queried ({str(error) or type(error).__name__}); is it running?"
        ) from None


async def run(step: Sql, secrets: Mapping[str, str]) -> None:
    """Run statements one by one.

    Raises:
        TarmacError: the server refused one; its text never holds a secret.
    """
    try:
        connection = await asyncpg.connect(reveal(step.url, secrets), timeout=CONNECT_S)
        try:
            # A failing statement would be logged whole, and one of them sets a password.
            await connection.execute("SET log_min_error_statement = panic")
            for statement in step.statements:
                await connection.execute(reveal(statement, secrets))
        finally:
            await connection.close()
    except REFUSED as error:
        raise TarmacError(f"set-up failed: {error or type(error).__name__}") from None


async def apply_seed(seed: Seed, secrets: Mapping[str, str], *, again: bool = False) -> SeedOutcome:
    """Load a file of SQL once per database; in PostgreSQL in one transaction.

    Args:
        again: load it also where it was loaded before.

    Returns:
        What became of it.

    Raises:
        TarmacError: the file cannot be read, or a statement of it failed.
    """
    path = Path(seed.file)
    what = "init" if seed.is_init else "seed"
    try:
        content = path.read_text()
    except OSError as error:
        raise TarmacError(f"{path}: the {what} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise TarmacError(f"{path}: the {what} is not UTF-8; save it as UTF-8") from None
    url = reveal(seed.url, secrets)
    file = SqlFile(path.name, content, hashlib.sha256(content.encode()).hexdigest())
    try:
        if urlsplit(url).scheme == "mysql":
            from tarmac.run.local.stores import (  # noqa: PLC0415 - PyMySQL only where it is
                mysql_files,
            )

            return await mysql_files.load(url, file, again=again)
        return await _load(url, file, again=again)
    except (*REFUSED, RefusedFile) as error:
        raise TarmacError(
            f"{path}: the {what} failed on {seed.store}: {error or type(error).__name__}"
        ) from None


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
            await connection.execute(file.content)
            await connection.execute(_REMEMBER, file.name, file.digest)
            return "applied"
    finally:
        await connection.close()
