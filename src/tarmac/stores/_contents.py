"""What a MongoDB holds, kept and put back over its own protocol: every document, unread.

`mongodb.py` names it as its `reset`. Collections and indexes stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.stores._accounts import ask, log_in
from tarmac.stores._bson import Long, Raw, read
from tarmac.stores._kind import Conversation, Dialogue, View

#: How many documents go at once; they may be large, and 48 MB are the most of a message.
BATCH = 100
#: A document has 16 MiB at most, so two of the largest fit.
BATCH_BYTES = 16 * 1024 * 1024


def contents(port: str) -> Conversation:
    """Put a store of documents back: every one that it held, and no other."""
    return Conversation(port, keep=_keep, put_back=_put_back)


def _keep(view: View) -> Dialogue:
    heard = bytearray()
    yield from log_in(heard, (yield view.admin).decode())
    kept: dict[str, list[Raw]] = {}
    for name in (yield from _collections(heard, view)):
        kept[name] = yield from _all(heard, {"find": name, "$db": view.database}, name)
    return kept


def _put_back(view: View, kept: Mapping[str, list[Raw]]) -> Dialogue:
    heard = bytearray()
    yield from log_in(heard, (yield view.admin).decode())
    there = yield from _collections(heard, view)
    for name in dict.fromkeys([*there, *kept]):
        every = {"q": {}, "limit": 0}
        yield from ask(heard, {"delete": name, "deletes": [every], "$db": view.database})
        for documents in _batches(kept.get(name, [])):
            yield from ask(heard, {"insert": name, "documents": documents, "$db": view.database})


def _collections(heard: bytearray, view: View) -> Dialogue:
    command = {"listCollections": 1, "nameOnly": True, "$db": view.database}
    listed = yield from _all(heard, command, "$cmd.listCollections")
    names = [read(each)["name"] for each in listed]
    return sorted(name for name in names if not name.startswith("system."))


def _all(heard: bytearray, command: dict[str, Any], of: str) -> Dialogue:
    """Read every batch of a cursor."""
    cursor = (yield from ask(heard, command))["cursor"]
    found: list[Raw] = cursor["firstBatch"]
    while cursor["id"]:
        more = {"getMore": Long(cursor["id"]), "collection": of, "$db": command["$db"]}
        cursor = (yield from ask(heard, more))["cursor"]
        found += cursor["nextBatch"]
    return found


def _batches(documents: list[Raw]) -> Iterator[list[Raw]]:
    batch: list[Raw] = []
    size = 0
    for each in documents:
        if batch and (len(batch) == BATCH or size + len(each.content) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += len(each.content)
    if batch:
        yield batch
