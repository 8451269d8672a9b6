"""A pool's connection that is cleared only after a statement that may have changed its session.

asyncpg clears each connection that goes back to its pool: four statements and a round trip, as
long as a small transaction. A statement that reads or writes rows leaves nothing behind; after any
other, and after a call that changes the session, the connection is cleared as asyncpg does. What a
function of your own in the database leaves cannot be seen: its caller gives it back.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any

import asyncpg

#: What begins so reads or writes rows, or is a transaction's own.
_PLAIN = re.compile(
    r"(?:\s|--[^\n]*\n)*(?:select|insert|update|delete|merge|with|values|begin|start\s+transaction"
    r"|commit|rollback|savepoint|release|lock\s|set\s+local|set\s+transaction)\b",
    re.IGNORECASE,
)
#: What a function of PostgreSQL leaves in the session, and what follows a first statement.
_LEAVES = re.compile(r"set_config|pg_(?:try_)?advisory_lock|;\s*\S", re.IGNORECASE)
_KNOWN = 4096


@lru_cache(_KNOWN)
def leaves_nothing(statement: str) -> bool:
    """Whether a session is after a statement as it was before."""
    return bool(_PLAIN.match(statement)) and not _LEAVES.search(statement)


class PooledConnection(asyncpg.Connection):
    """asyncpg's connection, which knows whether its session is as it was at the start."""

    __slots__ = ("_changed",)

    def _saw(self, statement: str) -> None:
        if not leaves_nothing(statement):
            self._changed = True

    def execute(self, query: str, *args: Any, **more: Any) -> Coroutine[Any, Any, str]:
        """Run statements."""
        self._saw(query)
        return super().execute(query, *args, **more)

    def executemany(self, command: str, args: Any, **more: Any) -> Coroutine[Any, Any, None]:
        """Run a statement for each of these arguments."""
        self._saw(command)
        return super().executemany(command, args, **more)

    def fetch(self, query: str, *args: Any, **more: Any) -> Coroutine[Any, Any, list[Any]]:
        """Return the rows of a statement."""
        self._saw(query)
        return super().fetch(query, *args, **more)

    def fetchrow(self, query: str, *args: Any, **more: Any) -> Coroutine[Any, Any, Any]:
        """Return the first row of a statement, or None."""
        self._saw(query)
        return super().fetchrow(query, *args, **more)

    def fetchval(self, query: str, *args: Any, **more: Any) -> Coroutine[Any, Any, Any]:
        """Return one value of the first row of a statement, or None."""
        self._saw(query)
        return super().fetchval(query, *args, **more)

    def prepare(self, query: str, **more: Any) -> Coroutine[Any, Any, Any]:
        """Prepare a statement."""
        self._saw(query)
        return super().prepare(query, **more)

    def cursor(self, query: str, *args: Any, **more: Any) -> Any:
        """Return a cursor of a statement."""
        self._saw(query)
        return super().cursor(query, *args, **more)

    async def clear(self) -> None:
        """Make the session what it was at the start, if it may be another."""
        if getattr(self, "_changed", False):
            self._changed = False
            await super().execute(self.get_reset_query())


async def clear(conn: Any) -> None:
    """Clear a connection that goes back to its pool."""
    await conn.clear()
