"""Documents in this process's memory: what `tarmac_kit_testing` gives to tests of a part.

It keeps the promises of the real ones, and nothing after the process.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac_kit.documents import values
from tarmac_kit.documents.values import (
    CollectionShape,
    Document,
    DuplicateDocumentError,
    Page,
    StaleDocumentError,
)


class MemoryCollection:
    """One collection as a mapping."""

    def __init__(self, shape: CollectionShape) -> None:
        self._shape = shape
        self._documents: dict[str, Document] = {}

    async def insert(self, document_id: str, body: Mapping[str, Any]) -> Document:
        """Add a document; see Collection."""
        new = self._shape.new(document_id, body)
        if document_id in self._documents:
            raise DuplicateDocumentError(self._shape.name, "id")
        self._refuse_taken(new)
        self._documents[new.id] = new
        return copy.deepcopy(new)

    async def get(self, document_id: str) -> Document | None:
        """Read one document; see Collection."""
        return copy.deepcopy(self._documents.get(document_id))

    async def replace(self, found: Document, body: Mapping[str, Any]) -> Document | None:
        """Give a document a new body; see Collection."""
        new = self._shape.next(found, body)
        now = self._documents.get(found.id)
        if now is None:
            return None
        if now.version != found.version:
            raise StaleDocumentError(self._shape.name, found.id, now.version)
        self._refuse_taken(new)
        self._documents[new.id] = new
        return copy.deepcopy(new)

    async def find(
        self,
        equal: Mapping[str, Any] | None = None,
        *,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page:
        """Read documents, the latest first; see Collection."""
        asked = self._shape.asked(equal)
        end = values.after(cursor)
        found = [
            copy.deepcopy(document)
            for document in self._documents.values()
            if all(_same(document.body.get(name), value) for name, value in asked.items())
            and (end is None or (document.created_at, document.id) < end)
        ]
        found.sort(key=lambda document: (document.created_at, document.id), reverse=True)
        return values.page(found[: limit + 1], limit)

    async def delete(self, document_id: str) -> bool:
        """Remove a document; see Collection."""
        return self._documents.pop(document_id, None) is not None

    def _refuse_taken(self, new: Document) -> None:
        for other in self._documents.values():
            for field in self._shape.unique:
                if other.id != new.id and _same(other.body[field], new.body[field]):
                    raise DuplicateDocumentError(self._shape.name, field)


class MemoryDocuments:
    """Collections without a server; declaring the same name again returns the same one."""

    def __init__(self) -> None:
        self._collections: dict[str, MemoryCollection] = {}

    def collection(
        self, name: str, *, unique: Iterable[str] = (), found_by: Iterable[str] = ()
    ) -> MemoryCollection:
        """Declare a collection; see Documents."""
        made = MemoryCollection(values.shape(name, unique, found_by))
        return self._collections.setdefault(name, made)

    async def open(self) -> None:
        """Have nothing to wait for."""

    async def close(self) -> None:
        """Keep everything: the test may open it again."""

    async def ping(self) -> None:
        """Answer."""


def _same(one: Any, other: Any) -> bool:
    # Python says that 1 is True; the stores do not.
    return isinstance(one, bool) == isinstance(other, bool) and one == other
