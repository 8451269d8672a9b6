"""What a document is and may hold: checks, cursors, and its form in JSON. Pure.

Used by every implementation, so that what one of them takes, all of them take.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

#: What every implementation adds to a body; a body may not have fields of these names.
OWN = frozenset({"_id", "id", "version", "created_at", "updated_at"})
#: MongoDB allows a hundred levels; a third of them is plenty.
MOST_LEVELS = 32
#: A text by which documents are found: an index entry of PostgreSQL holds 2,700 bytes.
LONGEST_FOUND = 500
LONGEST_ID = 200
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_INT64 = 2**63


class DuplicateDocumentError(Exception):
    """A document with this id, or with this value of a unique field, is there already."""

    def __init__(self, collection: str, field_name: str) -> None:
        super().__init__(f"{collection}: there is a document with this {field_name}")
        self.field_name = field_name


class StaleDocumentError(Exception):
    """The document was changed since it was read; `version` is the one that it has now."""

    def __init__(self, collection: str, document_id: str, version: int) -> None:
        super().__init__(f"{collection}: {document_id} has version {version} by now")
        self.version = version


class BadCursorError(ValueError):
    """The cursor is not one that a page of documents gave out."""


@dataclass(frozen=True)
class Document:
    """A document as it was read or written. Times are UTC, to the millisecond."""

    id: str
    version: int
    created_at: datetime
    updated_at: datetime
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Some documents and, if there are more, where the next page begins."""

    items: tuple[Document, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class CollectionShape:
    """A collection's name and the fields that it has indexes for."""

    name: str
    unique: tuple[str, ...]
    found_by: tuple[str, ...]

    @property
    def indexed(self) -> tuple[str, ...]:
        """List every field that documents can be found by."""
        return (*self.unique, *self.found_by)

    def new(self, document_id: str, body: Mapping[str, Any]) -> Document:
        """Build version 1 of a document; ValueError for what it may not hold."""
        if not 0 < len(document_id) <= LONGEST_ID or "\0" in document_id:
            raise ValueError(f"{self.name}: an id has 1 to {LONGEST_ID} characters, none of them 0")
        now = to_the_millisecond(datetime.now(UTC))
        return Document(document_id, 1, now, now, self.checked(body))

    def next(self, found: Document, body: Mapping[str, Any]) -> Document:
        """Build the version of a document that comes after the one that was read."""
        now = to_the_millisecond(datetime.now(UTC))
        return Document(found.id, found.version + 1, found.created_at, now, self.checked(body))

    def checked(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Copy a body; ValueError with the place of what it may not hold."""
        taken = OWN & body.keys()
        if taken:
            raise ValueError(f"{self.name}.{min(taken)}: the store has this field itself; rename")
        for name in self.unique:
            if body.get(name) is None:
                raise ValueError(f"{self.name}.{name}: a unique field needs a value")
        for name in self.indexed:
            if body.get(name) is not None:
                _findable(f"{self.name}.{name}", body[name])
        return {key: _checked(f"{self.name}.{key}", key, body[key], 1) for key in body}

    def asked(self, equal: Mapping[str, Any] | None) -> dict[str, Any]:
        """Check what documents are asked for by; ValueError for a field that was not declared."""
        asked = dict(equal or {})
        for name, value in asked.items():
            if name not in self.indexed:
                raise ValueError(
                    f"{self.name}.{name}: documents are not found by it; declare it in found_by"
                )
            _findable(f"{self.name}.{name}", value)
        return {name: _checked(name, name, value, 1) for name, value in asked.items()}


def shape(name: str, unique: Any, found_by: Any) -> CollectionShape:
    """Build a shape; ValueError for a name that not every store can have."""
    made = CollectionShape(name, tuple(unique), tuple(found_by))
    for key in (name, *made.indexed):
        if not _NAME.fullmatch(key):
            raise ValueError(
                f"{name}: '{key}' is not a valid name in every store; use up to 30 of a-z, 0-9, _"
            )
    if OWN & {*made.indexed}:
        raise ValueError(f"{name}: {', '.join(sorted(OWN))} are the store's own fields")
    return made


def to_the_millisecond(moment: datetime) -> datetime:
    """Cut a time to what every store keeps, in UTC; ValueError without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment}: a time needs a zone")
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _findable(place: str, value: Any) -> None:
    if not isinstance(value, str | bool | int | UUID | datetime):
        raise ValueError(f"{place}: documents are found by text, integers, booleans, UUIDs, times")
    if isinstance(value, str) and len(value) > LONGEST_FOUND:
        raise ValueError(f"{place}: at most {LONGEST_FOUND} characters, not {len(value)}")


def _checked(place: str, key: Any, value: Any, level: int) -> Any:
    if not _is_text(key) or not key or key[0] == "$" or "." in key:
        raise ValueError(f"{place}: a field's name is text without '.', and begins without '$'")
    if level > MOST_LEVELS:
        raise ValueError(f"{place}: more than {MOST_LEVELS} levels")
    match value:
        case None | bool() | UUID():
            return value
        case str() if _is_text(value):
            return value
        case int() if -_INT64 <= value < _INT64:
            return value
        case float() if math.isfinite(value):
            return value
        case datetime() if value.tzinfo is not None:
            return to_the_millisecond(value)
        case list() | tuple():
            return [_checked(f"{place}[]", key, item, level + 1) for item in value]
        case Mapping():
            return {k: _checked(f"{place}.{k}", k, v, level + 1) for k, v in value.items()}
    raise ValueError(
        f"{place}: a document cannot hold this {type(value).__name__}; it holds text without the "
        "character 0, integers of 64 bits, finite numbers, booleans, None, UUIDs, times with a "
        "zone, lists and mappings"
    )


def _is_text(value: Any) -> bool:
    """Tell whether every store can hold a text: no character 0, no half of a surrogate pair."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def to_json(value: Any) -> Any:
    """Write a checked value for a JSON column, in the words of MongoDB's extended JSON."""
    if isinstance(value, UUID):
        return {"$uuid": str(value)}
    if isinstance(value, datetime):
        return {"$date": value.isoformat(timespec="milliseconds")}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(member) for key, member in value.items()}
    return value


def from_json(value: Any) -> Any:
    """Read what `to_json` wrote."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if isinstance(value, dict):
        match value:
            case {"$uuid": str(text)}:
                return UUID(text)
            case {"$date": str(text)}:
                return datetime.fromisoformat(text)
        return {key: from_json(member) for key, member in value.items()}
    return value


def page(found: list[Document], limit: int) -> Page:
    """Make a page of one document more than `limit`, which tells whether there is another."""
    items = tuple(found[:limit])
    return Page(items, _cursor(items[-1]) if len(found) > limit else None)


def _cursor(last: Document) -> str:
    raw = f"{last.created_at.isoformat()} {last.id}".encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def after(cursor: str | None) -> tuple[datetime, str] | None:
    """Read where a page ended; BadCursorError for anything else."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        written, _, last_id = raw.decode().partition(" ")
        created_at = datetime.fromisoformat(written)
        if created_at.tzinfo is not None and last_id and "\0" not in last_id:
            return created_at.astimezone(UTC), last_id
    except (binascii.Error, ValueError, OverflowError) as error:
        raise BadCursorError("cursor: not one of this list; start without a cursor") from error
    raise BadCursorError("cursor: not one of this list; start without a cursor")
