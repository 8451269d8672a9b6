"""Documents in MongoDB, or in FerretDB, which speaks its protocol.

Built by `connect` where the URL is a MongoDB's; the only module that imports pymongo. It waits for
a server that is not there yet, and never repeats a write whose answer was lost.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from pymongo import ASCENDING, AsyncMongoClient, IndexModel, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)

from tarmac_kit import deadline
from tarmac_kit.database import MAX_AGE_S, DatabaseFull, DatabaseUnavailable, until_reachable
from tarmac_kit.documents import values
from tarmac_kit.documents.mongo_spans import CommandSpans
from tarmac_kit.documents.values import (
    CollectionShape,
    Document,
    DuplicateDocumentError,
    Page,
    StaleDocumentError,
)
from tarmac_kit.logs import get_logger

T = TypeVar("T")
Raw = dict[str, Any]

#: A server that hangs is given up after this, or at the request's deadline.
COMMAND_S = 5.0
#: How long one may look for a server, connect to it, or wait for a free connection.
CONNECT_S = 2.0
#: For a URL that names no database.
DATABASE = "documents"
#: The codes by which a server says that it stops or is not the primary: try again, as without it.
_NOT_NOW = frozenset({91, 189, 10107, 11600, 11602, 13435, 13436})
#: OutOfDiskSpace; FerretDB says it in words, under the code of every internal error.
_FULL, _INTERNAL, _FULL_WORDS = 14031, 1, ("disk is full", "No space left on device")


@dataclass
class _SharedClient:
    """A client with its pool, and how many use it now."""

    client: AsyncMongoClient[Raw]
    ends_at: float
    users: int = 0


class MongoCollection:
    """One collection of the server."""

    def __init__(self, documents: MongoDocuments, shape: CollectionShape) -> None:
        self._documents = documents
        self._shape = shape

    @property
    def indexes(self) -> list[IndexModel]:
        """List the indexes, under the names that the tables have in PostgreSQL."""
        name, shape = self._shape.name, self._shape
        by_age = [("created_at", ASCENDING), ("_id", ASCENDING)]
        return [
            IndexModel(by_age, name=f"{name} by age"),
            *(IndexModel([(f, ASCENDING)], name=f"{name}.{f}", unique=True) for f in shape.unique),
            *(IndexModel([(f, ASCENDING)], name=f"{name}.{f}") for f in shape.found_by),
        ]

    async def ensure_indexes(self) -> None:
        """Make the indexes that are missing; with them the collection."""

        async def ensure(collection: AsyncCollection[Raw]) -> None:
            there = await collection.index_information()
            for index in self.indexes:
                # Asked first, and one by one: FerretDB 1 panics when it has some of several.
                if index.document["name"] not in there:
                    await collection.create_indexes([index])

        await self._ask(ensure)

    async def insert(self, document_id: str, body: Mapping[str, Any]) -> Document:
        """Add a document; see Collection."""
        new = self._shape.new(document_id, body)
        try:
            await self._ask(lambda collection: collection.insert_one(_write(new)))
        except OperationFailure as error:
            raise await self._refused(new, error) from None
        return new

    async def get(self, document_id: str) -> Document | None:
        """Read one document; see Collection."""
        raw = await self._ask(lambda collection: collection.find_one({"_id": document_id}))
        return None if raw is None else _read(raw)

    async def replace(self, found: Document, body: Mapping[str, Any]) -> Document | None:
        """Give a document a new body; see Collection."""
        new = self._shape.next(found, body)
        as_read = {"_id": found.id, "version": found.version}
        try:
            done = await self._ask(lambda collection: collection.replace_one(as_read, _write(new)))
        except OperationFailure as error:
            raise await self._refused(new, error) from None
        if done.matched_count:
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
        # As a value in any case: a mapping would be read as an operator.
        wanted: Raw = {name: {"$eq": value} for name, value in self._shape.asked(equal).items()}
        end = values.after(cursor)
        if end is not None:
            created_at, last_id = end
            wanted["$or"] = [
                {"created_at": {"$lt": created_at}},
                {"created_at": created_at, "_id": {"$lt": last_id}},
            ]

        async def read(collection: AsyncCollection[Raw]) -> list[Raw]:
            latest_first = [("created_at", -1), ("_id", -1)]
            return await collection.find(wanted, sort=latest_first, limit=limit + 1).to_list()

        return values.page([_read(raw) for raw in await self._ask(read)], limit)

    async def delete(self, document_id: str) -> bool:
        """Remove a document; see Collection."""
        done = await self._ask(lambda collection: collection.delete_one({"_id": document_id}))
        return bool(done.deleted_count)

    async def _ask(self, act: Callable[[AsyncCollection[Raw]], Awaitable[T]]) -> T:
        return await self._documents.ask(lambda database: act(database[self._shape.name]))

    async def _refused(self, new: Document, error: OperationFailure) -> Exception:
        """Find out which value is taken: servers do not say it in a form to rely on.

        FerretDB 1 does not even call it a duplicate when it refuses a replacement.
        """
        for field in self._shape.unique:
            page = await self.find({field: new.body[field]}, limit=2)
            if any(other.id != new.id for other in page.items):
                return DuplicateDocumentError(self._shape.name, field)
        if isinstance(error, DuplicateKeyError):
            return DuplicateDocumentError(self._shape.name, "id")
        return error


class MongoDocuments:
    """Collections over one database of a server."""

    def __init__(
        self,
        url: str,
        *,
        name: str = "documents",
        pool_max: int = 10,
        max_age_s: float = MAX_AGE_S,
        clock: Callable[[], float] = time.monotonic,
        traced: bool = False,
    ) -> None:
        """Take the most connections, and the seconds after which new ones take their place.

        `traced` makes a span of each command.
        """
        self.url = url
        self.name = name
        self._pool_max = pool_max
        self._max_age_s = max_age_s
        self._clock = clock
        self._listeners = [CommandSpans()] if traced else []
        self._collections: dict[str, MongoCollection] = {}
        self._now: _SharedClient | None = None
        self._is_open = False

    def collection(
        self, name: str, *, unique: Iterable[str] = (), found_by: Iterable[str] = ()
    ) -> MongoCollection:
        """Declare a collection; see Documents."""
        made = MongoCollection(self, values.shape(name, unique, found_by))
        self._collections[name] = made
        return made

    async def open(self) -> None:
        """Wait for the server with backoff, then make indexes; other errors are raised at once."""
        self._is_open = True
        await until_reachable(self.name, self._make_indexes)

    async def _make_indexes(self) -> None:
        for collection in self._collections.values():
            await collection.ensure_indexes()

    async def close(self) -> None:
        """Close the connections."""
        self._is_open = False
        if self._now is not None:
            lent, self._now = self._now, None
            await lent.client.close()

    async def ping(self) -> None:
        """Ask the server one thing; raise if it does not answer."""
        await self.ask(lambda database: database.command("ping"))

    async def ask(self, act: Callable[[AsyncDatabase[Raw]], Awaitable[T]]) -> T:
        """Do one thing in the database, within the request's deadline.

        Raises DatabaseUnavailable when the server cannot be reached or does not answer.
        """
        limit_s = deadline.limit_s(COMMAND_S)
        try:
            async with asyncio.timeout(limit_s), self._lent() as client:
                database = client.get_default_database(
                    # What was answered is on the disk of most members, like a commit.
                    DATABASE,
                    write_concern=WriteConcern(w="majority", j=True),
                )
                return await act(database)
        except TimeoutError:
            detail = f"{self.name}: no answer within {limit_s:.1f} s"
            raise DatabaseUnavailable(detail) from None
        except (ConnectionFailure, ExecutionTimeout) as error:
            raise DatabaseUnavailable(f"{self.name} cannot be reached") from error
        except PyMongoError as error:
            if getattr(error, "code", None) in _NOT_NOW:
                raise DatabaseUnavailable(f"{self.name} accepts no writes now") from error
            if _says_full(error):
                get_logger().error("database has no room", database=self.name, error=str(error))
                raise DatabaseFull(f"{self.name}: no room for more; try again later") from error
            raise

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[AsyncMongoClient[Raw]]:
        """Give a client that is not too old; the last to use an old one closes it."""
        if not self._is_open:
            raise DatabaseUnavailable(f"{self.name} is not open yet")
        if self._now is None or self._clock() >= self._now.ends_at:
            before, self._now = self._now, self._made()
            if before is not None and not before.users:
                await before.client.close()
        lent = self._now
        lent.users += 1
        try:
            yield lent.client
        finally:
            lent.users -= 1
            if lent is not self._now and not lent.users:
                await lent.client.close()

    def _made(self) -> _SharedClient:
        milliseconds = int(CONNECT_S * 1000)
        client: AsyncMongoClient[Raw] = AsyncMongoClient(
            self.url,
            maxPoolSize=self._pool_max,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            waitQueueTimeoutMS=milliseconds,
            # A write whose answer is lost may have been done: its caller decides.
            retryWrites=False,
            uuidRepresentation="standard",
            tz_aware=True,
            event_listeners=self._listeners,
        )
        age_s = self._max_age_s * random.uniform(0.8, 1.0)  # noqa: S311 - jitter
        return _SharedClient(client, self._clock() + age_s)


def _write(document: Document) -> Raw:
    return {
        "_id": document.id,
        "version": document.version,
        "created_at": document.created_at,
        "updated_at": document.updated_at,
        **document.body,
    }


def _read(raw: Raw) -> Document:
    body = {key: value for key, value in raw.items() if key not in values.OWN}
    return Document(
        str(raw["_id"]),
        int(raw["version"]),
        values.to_the_millisecond(raw["created_at"]),
        values.to_the_millisecond(raw["updated_at"]),
        _plain(body),
    )


def _plain(value: Any) -> Any:
    """Read a value of the server's: its times and its long integers have types of their own."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "tzinfo"):
        return values.to_the_millisecond(value)
    return int(value) if isinstance(value, int) and type(value).__name__ == "Int64" else value


def _says_full(error: PyMongoError) -> bool:
    code = getattr(error, "code", None)
    return code == _FULL or (code == _INTERNAL and any(said in str(error) for said in _FULL_WORDS))
