"""Documents in PostgreSQL: a table per collection, the body as JSONB.

Built by `connect` where a PostgreSQL stands in for MongoDB. All SQL of documents is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg

from tarmac_kit.database import Database, until_reachable
from tarmac_kit.documents import values
from tarmac_kit.documents.values import (
    CollectionShape,
    Document,
    DuplicateDocumentError,
    Page,
    StaleDocumentError,
)

_COLUMNS = "id, version, created_at, updated_at, body"
#: Two replicas make the same tables at the same time: one of them waits.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('tarmac_documents'))"


class PostgresCollection:
    """One collection as one table."""

    def __init__(self, database: Database, shape: CollectionShape) -> None:
        self._database = database
        self._shape = shape
        self._table = f'"{shape.name}"'

    @property
    def statements(self) -> tuple[str, ...]:
        """List what makes the table and its indexes; names were checked when it was declared."""
        name = self._shape.name
        fields = [(field, "UNIQUE ") for field in self._shape.unique]
        fields += [(field, "") for field in self._shape.found_by]
        table = (
            f'CREATE TABLE IF NOT EXISTS {self._table} (id text COLLATE "C" NOT NULL, '
            "version bigint NOT NULL, created_at timestamptz NOT NULL, "
            "updated_at timestamptz NOT NULL, body jsonb NOT NULL, "
            f'CONSTRAINT "{name}.id" PRIMARY KEY (id))'
        )
        return (
            table,
            f'CREATE INDEX IF NOT EXISTS "{name} by age" ON {self._table} (created_at, id)',
            *(
                f'CREATE {unique}INDEX IF NOT EXISTS "{name}.{field}" '
                f"ON {self._table} ((body -> '{field}'))"
                for field, unique in fields
            ),
        )

    async def insert(self, document_id: str, body: Mapping[str, Any]) -> Document:
        """Add a document; see Collection."""
        new = self._shape.new(document_id, body)
        try:
            async with self._database.connection() as conn:
                await conn.execute(
                    f"INSERT INTO {self._table} ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5)",  # noqa: S608
                    new.id,
                    new.version,
                    new.created_at,
                    new.updated_at,
                    values.to_json(new.body),
                )
        except asyncpg.UniqueViolationError as error:
            raise self._duplicate(error) from None
        return new

    async def get(self, document_id: str) -> Document | None:
        """Read one document; see Collection."""
        async with self._database.connection() as conn:
            row = await conn.fetchrow(
                f"SELECT {_COLUMNS} FROM {self._table} WHERE id = $1",  # noqa: S608
                document_id.replace("\0", ""),
            )
        return None if row is None else _read(row)

    async def replace(self, found: Document, body: Mapping[str, Any]) -> Document | None:
        """Give a document a new body; see Collection."""
        new = self._shape.next(found, body)
        try:
            async with self._database.connection() as conn:
                done = await conn.fetchval(
                    f"UPDATE {self._table} SET version = $3, updated_at = $4, body = $5 "  # noqa: S608
                    "WHERE id = $1 AND version = $2 RETURNING version",
                    found.id,
                    found.version,
                    new.version,
                    new.updated_at,
                    values.to_json(new.body),
                )
        except asyncpg.UniqueViolationError as error:
            raise self._duplicate(error) from None
        if done is not None:
            return new
        now = await self.get(found.id)
        if now is None:
            return None
        raise StaleDocumentError(self._shape.name, found.id, now.version)

    async def find(
        self,
        equal: Mapping[str, Any] | None = None,
        *,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page:
        """Read documents, the latest first; see Collection."""
        asked = self._shape.asked(equal)
        created_at, last_id = values.after(cursor) or (None, None)
        wanted = "".join(
            f" AND body -> '{field}' = ${number}::jsonb" for number, field in enumerate(asked, 4)
        )
        async with self._database.connection() as conn:
            rows = await conn.fetch(
                f"SELECT {_COLUMNS} FROM {self._table} WHERE "  # noqa: S608
                f"($1::timestamptz IS NULL OR (created_at, id) < ($1, $2)){wanted} "
                "ORDER BY created_at DESC, id DESC LIMIT $3",
                created_at,
                last_id,
                limit + 1,
                *(values.to_json(value) for value in asked.values()),
            )
        return values.page([_read(row) for row in rows], limit)

    async def delete(self, document_id: str) -> bool:
        """Remove a document; see Collection."""
        async with self._database.connection() as conn:
            done = await conn.fetchval(
                f"DELETE FROM {self._table} WHERE id = $1 RETURNING true",  # noqa: S608
                document_id.replace("\0", ""),
            )
        return bool(done)

    def _duplicate(self, error: asyncpg.UniqueViolationError) -> DuplicateDocumentError:
        name = self._shape.name
        return DuplicateDocumentError(name, (error.constraint_name or "").removeprefix(f"{name}."))


class PostgresDocuments:
    """Collections over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collections: dict[str, PostgresCollection] = {}

    def collection(
        self, name: str, *, unique: Iterable[str] = (), found_by: Iterable[str] = ()
    ) -> PostgresCollection:
        """Declare a collection; see Documents."""
        made = PostgresCollection(self._database, values.shape(name, unique, found_by))
        self._collections[name] = made
        return made

    async def open(self) -> None:
        """Wait for the server, then make what is missing."""
        await self._database.open()
        await until_reachable(self._database.name, self._make)

    async def _make(self) -> None:
        async with self._database.transaction() as conn:
            await conn.execute(_LOCK)
            for collection in self._collections.values():
                for statement in collection.statements:
                    await conn.execute(statement)

    async def close(self) -> None:
        """Close the connections."""
        await self._database.close()

    async def ping(self) -> None:
        """Ask the server one thing; raise if it does not answer."""
        await self._database.ping()


def _read(row: Any) -> Document:
    return Document(
        row["id"],
        row["version"],
        row["created_at"],
        row["updated_at"],
        values.from_json(row["body"]),
    )
