"""The outbox: events written in the caller's transaction, relayed to the broker after commit.

Used by services through `Chassis.outbox`. The table has the columns that Debezium's outbox event
router expects. It never talks to a broker: `relay` does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
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
select id, aggregatetype, aggregateid, type, payload, headers
from jsonb_populate_record(null::outbox, $1)
"""

#: An event as a row of the table.
Row = dict[str, Any]


def insert_for(changed: str, event: str) -> str:
    """Return the INSERT of an event for each row of `changed`, as a part of another statement.

    Args:
        changed: what the statement calls the rows that it changes; none of them, no event.
        event: its parameter with a row of `Outbox.event`, or an expression of one; null, no event.
    """
    return f"""
insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
select event.id, event.aggregatetype, event.aggregateid, event.type, event.payload, event.headers
from {changed}, jsonb_populate_record(null::outbox, {event}) as event where event.id is not null
"""  # noqa: S608 - parts of a service's own statement; values are always parameters


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
        with self._row(topic, aggregate_type, aggregate_id, payload) as row:
            if row is None:
                return None
            await conn.execute(_INSERT, row)
        if self.on_commit is not None:
            self._database.after_commit(conn, self.on_commit)
        return UUID(row["id"])

    @contextmanager
    def event(
        self,
        *,
        topic: str,
        aggregate_type: str,
        aggregate_id: str,
        payload: Mapping[str, Any],
    ) -> Iterator[Row | None]:
        """Give one event as a row, for one statement of the block that `insert_for` is a part of.

        Such a statement changes the aggregate and writes the event in one round trip; it is to be a
        transaction of its own. None for a topic that this system does not bind.
        """
        with self._row(topic, aggregate_type, aggregate_id, payload) as row:
            yield row
        if row is not None and self.on_commit is not None:
            self.on_commit()

    @contextmanager
    def _row(
        self, topic: str, aggregate_type: str, aggregate_id: str, payload: Mapping[str, Any]
    ) -> Iterator[Row | None]:
        if topic not in self._publishes:
            yield None
            return
        event_id = str(uuid4())
        with trace.span(
            f"create {topic}",
            kind=SpanKind.PRODUCER,
            attributes={
                "messaging.system": self._system,
                "messaging.operation.name": "create",
                "messaging.operation.type": "create",
                "messaging.destination.name": topic,
                "messaging.message.id": event_id,
            },
        ):
            yield {
                "id": event_id,
                "aggregatetype": aggregate_type,
                "aggregateid": aggregate_id,
                "type": topic,
                "payload": dict(payload),
                "headers": trace.inject({}),
            }
