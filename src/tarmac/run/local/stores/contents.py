"""Chooses by a store's URL how it is spoken to, marks are written and contents compared.

Used by `store_servers`, `recoveries` and the target of drills.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tarmac.base.errors import TarmacError
from tarmac.base.launch import Sql, Text, reveal
from tarmac.run.local.stores import key_marks, marks, sql
from tarmac.run.local.stores.marks import Rows


class Marks(Protocol):
    """The marks of one store."""

    async def write(self, number: int) -> None:
        """Write a mark; it is committed once this returns. Raises TarmacError."""

    async def close(self) -> None:
        """Close its connection."""


async def say(url: Text, statements: Iterable[Text], secrets: Mapping[str, str]) -> None:
    """Say statements to a store. Raises TarmacError where it refuses one."""
    revealed = reveal(url, secrets)
    if _has_keys(revealed):
        await key_marks.say(revealed, [reveal(statement, secrets) for statement in statements])
    else:
        await sql.run(Sql(url, tuple(statements)), secrets)


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
        raise TarmacError(f"no statements and marks are written into a store of {scheme}")
    return scheme == "redis"
