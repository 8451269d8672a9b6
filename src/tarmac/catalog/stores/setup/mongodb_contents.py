"""What a MongoDB holds, kept, put back and counted over its own protocol: every document, unread.

`mongodb.py` names it as its `reset` and its `statistics`. Collections and indexes stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.catalog.stores.kind import (
    ProtocolScript,
    Statistic,
    StoreContext,
    StoreReset,
    StoreStatistics,
)
from tarmac.catalog.stores.protocols.bson import Int64, RawDocument, read
from tarmac.catalog.stores.setup.mongodb_users import ask, log_in

#: How many documents go at once; they may be large, and 48 MB are the most of a message.
BATCH = 100
#: A document has 16 MiB at most, so two of the largest fit.
BATCH_BYTES = 16 * 1024 * 1024


def contents(port: str) -> StoreReset:
    """Put a store of documents back: every one that it held, and no other."""
    return StoreReset(
        port,
        snapshot=_snapshot,
        restore=_restore,
        what="the documents of every collection; collections and indexes stay",
    )


def counts(port: str) -> StoreStatistics:
    """Ask a store of documents how much it holds."""
    return StoreStatistics(port, _statistics)


def _statistics(context: StoreContext) -> ProtocolScript:
    heard = yield from _begun(context)
    database = yield from ask(heard, {"dbStats": 1, "$db": context.database})
    found = [
        Statistic("documents", float(database["objects"])),
        Statistic("size", float(database["dataSize"]), "bytes"),
        Statistic("size of indexes", float(database["indexSize"]), "bytes"),
    ]
    server = yield from ask(heard, {"serverStatus": 1, "$db": "admin"})
    if "connections" in server:  # FerretDB does not count them
        found.append(Statistic("connections", float(server["connections"]["current"])))
    return found


def _snapshot(context: StoreContext) -> ProtocolScript:
    heard = yield from _begun(context)
    kept: dict[str, list[RawDocument]] = {}
    for name in (yield from _collections(heard, context)):
        kept[name] = yield from _all(heard, {"find": name, "$db": context.database}, name)
    return kept


def _restore(context: StoreContext, kept: Mapping[str, list[RawDocument]]) -> ProtocolScript:
    heard = yield from _begun(context)
    there = yield from _collections(heard, context)
    for name in dict.fromkeys([*there, *kept]):
        every = {"q": {}, "limit": 0}
        yield from ask(heard, {"delete": name, "deletes": [every], "$db": context.database})
        for documents in _batches(kept.get(name, [])):
            yield from ask(heard, {"insert": name, "documents": documents, "$db": context.database})


def _begun(context: StoreContext) -> ProtocolScript:
    """Log in, where the server asks for it; return what is heard of it from then on."""
    heard = bytearray()
    if not context.passwordless:
        yield from log_in(heard, (yield context.admin).decode())
    return heard


def _collections(heard: bytearray, context: StoreContext) -> ProtocolScript:
    command = {"listCollections": 1, "nameOnly": True, "$db": context.database}
    listed = yield from _all(heard, command, "$cmd.listCollections")
    names = [read(entry)["name"] for entry in listed]
    return sorted(name for name in names if not name.startswith("system."))


def _all(heard: bytearray, command: dict[str, Any], of: str) -> ProtocolScript:
    """Read every batch of a cursor."""
    cursor = (yield from ask(heard, command))["cursor"]
    found: list[RawDocument] = cursor["firstBatch"]
    while cursor["id"]:
        more = {"getMore": Int64(cursor["id"]), "collection": of, "$db": command["$db"]}
        cursor = (yield from ask(heard, more))["cursor"]
        found += cursor["nextBatch"]
    return found


def _batches(documents: list[RawDocument]) -> Iterator[list[RawDocument]]:
    batch: list[RawDocument] = []
    size = 0
    for document in documents:
        if batch and (len(batch) == BATCH or size + len(document.content) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document.content)
    if batch:
        yield batch
