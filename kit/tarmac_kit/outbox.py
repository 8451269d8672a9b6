"""The outbox: events written in the caller's transaction, relayed to the broker after commit.

Used by services through `Chassis.outbox`. The table has the columns that Debezium's outbox event
router expects. It never talks to a broker: `relay` does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from opentelemetry.trace import SpanKind

from tarmac_kit import trace
from tarmac_kit.database import Database

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

_INSERT = """
insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
values ($1, $2, $3, $4, $5, $6)
"""


class Outbox:
    """Writes events to one database. Topics that no one bound are not written."""

    def __init__(
        self,
        database: Database,
        *,
        publishes: Collection[str],
        on_commit: Callable[[], None] | None = None,
        system: str = "unknown",
    ) -> None:
        """Take the topics that are bound, and the broker as spans name it."""
        database.add_migrations("kit_outbox", resources.files("tarmac_kit") / "migrations/outbox")
        self._database = database
        self._publishes = frozenset(publishes)
        self._system = system
        self.on_commit = on_commit

    async def add(
        self,
        conn: Connection,
        *,
        topic: str,
        aggregate_type: str,
        aggregate_id: str,
        payload: Mapping[str, Any],
    ) -> UUID | None:
        """Write one event in the transaction of `conn` and return its id.

        Returns None, and writes nothing, for a topic that this system does not bind. Lock or
        change the aggregate's row first: events of one aggregate keep the order of this call.
        """
        if topic not in self._publishes:
            return None
        event_id = uuid4()
        with trace.span(
            f"create {topic}",
            kind=SpanKind.PRODUCER,
            attributes={
                "messaging.system": self._system,
                "messaging.operation.name": "create",
                "messaging.operation.type": "create",
                "messaging.destination.name": topic,
                "messaging.message.id": str(event_id),
            },
        ):
            headers = trace.inject({})
            await conn.execute(
                _INSERT, event_id, aggregate_type, aggregate_id, topic, dict(payload), headers
            )
        if self.on_commit is not None:
            self._database.after_commit(conn, self.on_commit)
        return event_id
