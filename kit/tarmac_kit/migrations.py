"""Forward-only SQL migrations: `0001_name.sql`, each applied once, in a transaction of its own.

Run by `Database.open` before the pool is used. Several processes may start at once: an advisory
lock lets one of them work. It never goes back and never applies a file that was changed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from tarmac_kit.logs import get_logger

if TYPE_CHECKING:
    from asyncpg import Connection

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
#: Any constant does: it keeps two starters apart within one database.
_LOCK = 7_245_110_131

_TABLE = """
create table if not exists schema_migrations (
    part text not null,
    version integer not null,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (part, version)
)
"""


class MigrationError(Exception):
    """A migration cannot be applied; the text says which file and why."""


@dataclass(frozen=True)
class Migration:
    """One file of a part."""

    part: str
    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, line endings apart."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


def read(part: str, folder: Traversable) -> tuple[Migration, ...]:
    """Return the migrations in `folder` by version; other files are not looked at.

    Raises MigrationError for a `.sql` file of another name, a gap or a version used twice.
    """
    found = []
    for entry in folder.iterdir():
        if not entry.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(entry.name)
        if match is None:
            raise MigrationError(
                f"{part}/{entry.name}: not a migration's name; call it 0001_what_it_does.sql"
            )
        found.append(Migration(part, int(match[1]), match[2], entry.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.version)
    for expected, migration in enumerate(found, start=1):
        if migration.version != expected:
            raise MigrationError(
                f"{part}/{migration.version:04d}_{migration.name}.sql: version {expected:04d} "
                f"was expected; number the files without gaps, each once"
            )
    return tuple(found)


async def apply(conn: Connection[Any], migrations: tuple[Migration, ...]) -> int:
    """Apply what is new, part by part in the order given; return how many were applied.

    Raises MigrationError when an applied file was changed since, or when one fails.
    """
    if not migrations:
        return 0
    await conn.execute("select pg_advisory_lock($1)", _LOCK)
    try:
        await conn.execute(_TABLE)
        rows = await conn.fetch("select part, version, checksum from schema_migrations")
        applied = {(row["part"], row["version"]): row["checksum"] for row in rows}
        count = 0
        for migration in migrations:
            where = f"{migration.part}/{migration.version:04d}_{migration.name}.sql"
            before = applied.get((migration.part, migration.version))
            if before is None:
                await _apply_one(conn, migration, where)
                count += 1
            elif before != migration.checksum:
                raise MigrationError(
                    f"{where}: was changed after it was applied (checksum {before[:12]} is now "
                    f"{migration.checksum[:12]}); restore it and write a new migration"
                )
        return count
    finally:
        await conn.execute("select pg_advisory_unlock($1)", _LOCK)


async def _apply_one(conn: Connection[Any], migration: Migration, where: str) -> None:
    from asyncpg import PostgresConnectionError, PostgresError  # noqa: PLC0415 - only with a database

    try:
        async with conn.transaction():
            await conn.execute(migration.sql)
            await conn.execute(
                "insert into schema_migrations (part, version, name, checksum)"
                " values ($1, $2, $3, $4)",
                migration.part,
                migration.version,
                migration.name,
                migration.checksum,
            )
    except PostgresConnectionError:
        raise
    except PostgresError as error:
        raise MigrationError(f"{where}: {error}; correct the file") from error
    get_logger().info("migration applied", migration=where)
