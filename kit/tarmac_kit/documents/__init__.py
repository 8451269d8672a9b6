"""Documents with a version, found by equal fields: over MongoDB, or PostgreSQL in its place.

Made by `Chassis.documents`; the URL says which of the two answers, and a part cannot tell. One
document is changed at a time and whole; there are no joins, and no transaction over several.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from tarmac_kit.documents.values import (
    BadCursorError,
    Document,
    DuplicateDocumentError,
    Page,
    StaleDocumentError,
)
from tarmac_kit.settings import Settings, SettingsError

MONGODB = frozenset({"mongodb", "mongodb+srv"})
POSTGRESQL = frozenset({"postgresql", "postgres"})

__all__ = [
    "BadCursorError",
    "Collection",
    "Document",
    "Documents",
    "DuplicateDocumentError",
    "Page",
    "StaleDocumentError",
    "connect",
]


class Collection(Protocol):
    """Documents of one sort. Every call raises DatabaseUnavailable when the store is away."""

    async def insert(self, document_id: str, body: Mapping[str, Any]) -> Document:
        """Add a document as version 1; DuplicateDocumentError if its id or a unique field is taken.

        A body holds text, numbers, booleans, None, UUIDs, times with a zone (kept to the
        millisecond), lists and mappings; anything else is a ValueError that names the place.
        """

    async def get(self, document_id: str) -> Document | None:
        """Read one document."""

    async def replace(self, found: Document, body: Mapping[str, Any]) -> Document | None:
        """Give a document as it was read a new body and the next version; None when it is gone.

        Raises StaleDocumentError when it was changed since, DuplicateDocumentError as insert.
        """

    async def find(
        self,
        equal: Mapping[str, Any] | None = None,
        *,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page:
        """Read documents whose declared fields have these values, the latest first.

        Raises BadCursorError for a cursor that no page of this collection gave out.
        """

    async def delete(self, document_id: str) -> bool:
        """Remove a document; say whether it was there."""


class Documents(Protocol):
    """A store of documents: declared in `mount`, opened when the process starts."""

    def collection(
        self, name: str, *, unique: Iterable[str] = (), found_by: Iterable[str] = ()
    ) -> Collection:
        """Declare a collection before `open`, which makes it and its indexes.

        Args:
            unique: fields of the body that every document has, each with a value of its own.
            found_by: further fields that `find` may ask for; unique ones it may ask for anyway.
        """

    async def open(self) -> None:
        """Wait for the server with backoff, then make collections and indexes that are missing."""

    async def close(self) -> None:
        """Close the connections."""

    async def ping(self) -> None:
        """Ask the server one thing; raise if it does not answer."""


def connect(url: str, *, name: str, settings: Settings, traced: bool = False) -> Documents:
    """Return the documents at `url`; nothing is opened yet. `traced` makes spans of what is asked.

    Raises SettingsError for a URL of another kind of store, or a client that is not installed.
    """
    scheme, service = urlsplit(url).scheme, settings.service_name
    if scheme in MONGODB:
        if importlib.util.find_spec("pymongo") is None:
            line = f"{service}: {name} is a MongoDB, and pymongo is not installed"
            raise SettingsError([f"{line}; install tarmac-kit[mongodb]"])
        from tarmac_kit.documents.mongo import MongoDocuments  # noqa: PLC0415 - where bound only

        return MongoDocuments(
            url,
            name=name,
            pool_max=settings.database_pool_max,
            max_age_s=settings.database_connection_max_age_s,
            traced=traced,
        )
    if scheme not in POSTGRESQL:
        line = f"{service}: {name} is wrong: its scheme is '{scheme}', not mongodb or postgresql"
        raise SettingsError([f"{line}; bind a mongodb store to the slot"])
    from tarmac_kit.database import Database  # noqa: PLC0415 - where bound only
    from tarmac_kit.documents.postgres import PostgresDocuments  # noqa: PLC0415 - as above

    database = Database(
        url,
        name=name,
        pool_max=settings.database_pool_max,
        max_age_s=settings.database_connection_max_age_s,
    )
    if traced:
        from tarmac_kit import statements  # noqa: PLC0415 - where spans are sent

        database.on_statement = statements.seen
    return PostgresDocuments(database)
