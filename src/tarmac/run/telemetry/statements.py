"""What services ask of stores and how long it takes: their spans, by service and operation."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

#: The latest spans that are looked at, and the operations that are shown.
MOST_SPANS, MOST = 50_000, 50

# Any convention's attribute: `db.system.name`, or `db.system` before it. What is looked at leaves
# the inner query as a few short columns.
_OPERATIONS = """
SELECT service, name, count(*) AS count, avg(duration_ns) / 1e9 AS mean_s,
    max(duration_ns) / 1e9 AS longest_s, sum(duration_ns) / 1e9 AS total_s, sum(failed) AS failed
FROM (
    SELECT service, name, duration_ns, failed,
        kind = 'client' AND instr(attributes, '"db.system') AS of_store
    FROM spans WHERE started_ns > ? ORDER BY started_ns DESC LIMIT ?
)
WHERE of_store AND ? IN ('', service)
GROUP BY service, name ORDER BY total_s DESC LIMIT ?
"""


@dataclass(frozen=True)
class Operation:
    """One operation of a service on a store, e.g. `INSERT orders`, with its times in seconds."""

    service: str
    name: str
    count: int
    mean_s: float
    longest_s: float
    total_s: float
    failed: int


def operations(
    stored: sqlite3.Connection, since_ns: int, *, service: str = "", most: int = MOST
) -> list[Operation]:
    """Return the operations on stores since a moment, those that took the most time first.

    Args:
        service: only those that this service asked for.
    """
    rows = stored.execute(_OPERATIONS, (since_ns, MOST_SPANS, service, most))
    return [Operation(*row) for row in rows]
