"""Spans of a database's statements, by asyncpg's own notice of each; asked for by the chassis.

Only where spans are sent, and only of what a request, a message or a job asked: what runs beside
them would be a trace for each of its turns. A span has a word of the statement, never its text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tarmac_kit import trace

if TYPE_CHECKING:
    from asyncpg.connection import LoggedQuery

#: BEGIN and the rest take no time of their own.
_SHOWN = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "COMMIT"})
#: What a statement changes that begins with WITH: the first of its parts that does.
_CHANGES = re.compile(
    r"\b(INSERT(?=\s+INTO\b)|(?<!FOR )(?<!KEY )UPDATE|DELETE(?=\s+FROM\b)|MERGE(?=\s+INTO\b))",
    re.IGNORECASE,
)
#: At COMMIT the server waits for its disk; where it did not, a span would say nothing.
_COMMIT_S = 0.005
#: How asyncpg begins to clear a connection that goes back to its pool: no code requested it.
_RESET = "SELECT pg_advisory_unlock_all()"


def seen(done: LoggedQuery) -> None:
    """Make the span of a statement that is done; called in the context that asked for it."""
    if not trace.is_sent():
        return
    operation = operation_of(done.query)
    if operation not in _SHOWN or done.query.startswith(_RESET):
        return
    if operation == "COMMIT" and done.elapsed < _COMMIT_S and done.exception is None:
        return
    database = str(getattr(done.conn_params, "database", ""))
    said: dict[str, Any] = {
        "db.system.name": "postgresql",
        "db.namespace": database,
        "db.operation.name": operation,
    }
    if isinstance(done.conn_addr, tuple):  # a path where it is no address
        said |= {"server.address": done.conn_addr[0], "server.port": done.conn_addr[1]}
    error = "" if done.exception is None else type(done.exception).__name__
    trace.record(f"{operation} {database}", done.elapsed, said, error=error)


@lru_cache(maxsize=1024)
def operation_of(query: str) -> str:
    """Return what a statement does, in one word: its first one, or what the parts of a WITH do."""
    first = query.split(maxsplit=1)[0].rstrip(";").upper() if query.strip() else ""
    if first != "WITH":
        return first
    found = _CHANGES.search(query)
    return found[1].upper() if found else "SELECT"
