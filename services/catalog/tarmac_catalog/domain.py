"""What a product is, how a page of products is cut, and how search words are read.

Used by the service, the repository and the endpoints. Pure: no database, no HTTP, no clock.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

#: A longer query gains nothing and costs the index a scan per word.
MAX_SEARCH_WORDS = 8

_WORD = re.compile(r"[^\W_]+")


class Sort(StrEnum):
    """The orders in which products can be browsed."""

    #: By name, A to Z.
    NAME = "name"
    #: Cheapest first.
    PRICE = "price"
    #: Dearest first.
    PRICE_DESCENDING = "-price"
    #: Latest addition first.
    NEWEST = "newest"


@dataclass(frozen=True)
class Product:
    """One thing the shop sells; `price_minor` is in minor units of `currency`."""

    id: UUID
    name: str
    description: str
    category: str
    price_minor: int
    currency: str
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Category:
    """A category and how many products can be bought in it."""

    slug: str
    products: int


@dataclass(frozen=True)
class Cursor:
    """Where the last page ended: the sort, the last row's sort value and its id."""

    sort: Sort
    value: str | int | datetime
    id: UUID


@dataclass(frozen=True)
class Page:
    """Some products and, if there are more, where the next page begins."""

    items: Sequence[Product]
    next: Cursor | None


class BadCursorError(ValueError):
    """The cursor is not one that this listing gave out."""


def search_words(text: str) -> list[str]:
    """Cut a query into lower-case words that are safe inside a tsquery."""
    return [word.lower() for word in _WORD.findall(text)][:MAX_SEARCH_WORDS]


def prefix_query(words: Sequence[str]) -> str:
    """Build a tsquery in which every word may be the beginning of a longer one."""
    return " & ".join(f"{word}:*" for word in words)


def cut_page(rows: Sequence[Product], *, sort: Sort, limit: int) -> Page:
    """Cut `rows`, of which one more than `limit` was asked for, to a page with its cursor."""
    if len(rows) <= limit:
        return Page(items=rows, next=None)
    items = rows[:limit]
    last = items[-1]
    return Page(items=items, next=Cursor(sort=sort, value=_sort_value(last, sort), id=last.id))


def encode_cursor(cursor: Cursor) -> str:
    """Write a cursor as text that fits into a URL."""
    value = cursor.value.isoformat() if isinstance(cursor.value, datetime) else cursor.value
    raw = json.dumps([cursor.sort.value, value, str(cursor.id)], separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def decode_cursor(text: str, *, sort: Sort) -> Cursor:
    """Read a cursor that was made for the same sort; anything else raises BadCursorError."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        written, value, product_id = json.loads(raw)
        cursor = Cursor(sort=Sort(written), value=_read_value(value, sort), id=UUID(product_id))
    except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadCursorError("cursor: not one of this listing; start without a cursor") from error
    if cursor.sort is not sort:
        raise BadCursorError(f"cursor: made for sort {cursor.sort}; ask with that sort")
    return cursor


def _sort_value(product: Product, sort: Sort) -> str | int | datetime:
    if sort is Sort.NAME:
        return product.name
    if sort is Sort.NEWEST:
        return product.created_at
    return product.price_minor


def _read_value(value: object, sort: Sort) -> str | int | datetime:
    """Read a cursor's value; ValueError or OverflowError for one that no column can hold."""
    if sort is Sort.NAME and isinstance(value, str):
        value.encode()  # half a surrogate pair is no text
        if "\0" not in value:
            return value
    elif sort is Sort.NEWEST and isinstance(value, str):
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    elif sort in {Sort.PRICE, Sort.PRICE_DESCENDING} and type(value) is int and 0 <= value < 2**63:
        return value
    raise BadCursorError("cursor: its value does not fit the sort; start without a cursor")
