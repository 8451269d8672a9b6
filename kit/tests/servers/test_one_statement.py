"""Outbox and inbox as parts of a service's own statement, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tarmac_kit import Database, Inbox, Outbox
from tarmac_kit.inbox import insert_first
from tarmac_kit.outbox import insert_for

pytestmark = pytest.mark.servers

CHANGE = f"""
with heard as ({insert_first("$1", "$2", where="$3 <> 'unknown'")}), changed as (
    insert into applied (name) select $3 from heard returning name
), event as ({insert_for("changed", "$4")})
select count(*) from changed
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    Inbox(made)  # its table
    Outbox(made, publishes=())
    await made.open()
    async with made.connection() as conn:
        await conn.execute("create table applied (name text)")
    yield made
    await made.close()


async def test_one_statement_notes_a_message_changes_a_row_and_writes_its_event(
    database: Database,
) -> None:
    woken = 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    outbox = Outbox(database, publishes={"order.placed"}, on_commit=wake)

    async def change(message_id: str, name: str, topic: str = "order.placed") -> int:
        writing = outbox.event(
            topic=topic, aggregate_type="order", aggregate_id=name, payload={"order": name}
        )
        async with database.connection() as conn:
            with writing as event:
                return await conn.fetchval(CHANGE, "pay", message_id, name, event)

    assert await change("1", "a") == 1
    assert await change("1", "a") == 0  # heard before
    assert await change("2", "unknown") == 0  # not noted
    assert await change("2", "b", topic="no.one.binds.it") == 1
    async with database.connection() as conn:
        rows = await conn.fetch("select name from applied order by name")
        [event] = await conn.fetch("select type, aggregateid, payload, headers from outbox")
    assert [row["name"] for row in rows] == ["a", "b"]
    assert (event["type"], event["aggregateid"]) == ("order.placed", "a")
    assert event["payload"] == {"order": "a"}
    assert event["headers"]["traceparent"]
    assert woken == 3  # one look too many at the table, where nothing was written
