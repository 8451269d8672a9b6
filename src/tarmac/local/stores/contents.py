"""Chooses by a store's URL how marks are written into it and its contents are compared.

Used by `recoveries` and the target of drills.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tarmac.errors import TarmacError
from tarmac.local.stores import key_marks, marks
from tarmac.local.stores.marks import Rows


class Marks(Protocol):
    """The marks of one store."""

    async def write(self, number: int) -> None:
        """Write a mark; it is committed once this returns. Raises TarmacError."""

    async def close(self) -> None:
        """Close its connection."""


def open_marks(url: str) -> Marks:
    """Give what writes marks into a store."""
    return key_marks.KeyMarks(url) if _has_keys(url) else marks.SqlMarks(url)


async def written(url: str) -> Sequence[int]:
    """List the marks that are there. Raises TarmacError."""
    if _has_keys(url):
        return await key_marks.written(url)
    return await marks.written(url)


def rows(url: str, *, locked: bool = False) -> AbstractAsyncContextManager[Rows]:
    """Digest what the users keep at one moment. Raises TarmacError.

    Args:
        locked: let none of it change before the end of the block.
    """
    if _has_keys(url):
        return key_marks.rows(url, locked=locked)
    return marks.rows(url, locked=locked)


def _has_keys(url: str) -> bool:
    scheme = url.partition("://")[0]
    if scheme not in ("postgresql", "redis"):
        raise TarmacError(f"no marks can be written into a store of {scheme}")
    return scheme == "redis"
