"""A part with every store and the broker, from environment variables, on real servers."""

from __future__ import annotations

import asyncio
import signal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from fastapi import APIRouter
from waiting import until

from tarmac_kit import (
    Application,
    Chassis,
    Database,
    Inbox,
    Message,
    Part,
    PoisonMessage,
    create_app,
)
from tarmac_kit_testing import running

pytestmark = pytest.mark.servers


def everything(env: dict[str, str]) -> Application:
    def mount(chassis: Chassis) -> None:
        database = chassis.database()
        cache = chassis.redis()
        outbox = chassis.outbox(database)
        inbox = chassis.inbox(database)
        router = APIRouter()
        failed: set[str] = set()

        async def create() -> None:
            async with database.connection() as conn:
                await conn.execute("create table if not exists seen (id text primary key)")

        async def handle(message: Message) -> None:
            order = message.payload["order"]
            if order == "poison":
                raise PoisonMessage("never")
            if message.id not in failed:
                failed.add(message.id)
                raise RuntimeError("once")
            async with database.transaction() as conn:
                if await inbox.first_time(conn, consumer="c", message_id=message.id):
                    await conn.execute("insert into seen (id) values ($1)", order)

        @router.post("/orders/{order}")
        async def place(order: str) -> dict[str, Any]:
            async with database.transaction() as conn:
                event = await outbox.add(
                    conn,
                    topic="order.placed",
                    aggregate_type="order",
                    aggregate_id=order,
                    payload={"order": order},
                )
            return {"event": event}

        @router.get("/orders/{order}")
        async def seen(order: str) -> dict[str, bool]:
            async with database.connection() as conn:
                found = await conn.fetchval("select true from seen where id = $1", order)
            if cache is not None:
                await cache.set(order, bool(found), ttl_s=5)
            return {"seen": bool(found), "cached": cache is not None and await cache.get(order)}

        chassis.on_start(create)
        chassis.include(router)
        chassis.consume("order.placed", handle, group="c")

    return create_app([Part("everything", mount)], {"SERVICE_NAME": "svc", **env})


async def test_an_event_goes_from_a_request_through_the_broker_to_the_handlers_row(
    database_url: str, nats, nats_url: str, valkey
) -> None:
    app = everything(
        {
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://svc:secret@127.0.0.1:{valkey.port}/0",
            "BROKER_URL": nats_url,
            "PUBLISHES": "order.placed",
            "CONSUMES": "order.placed",
        }
    )
    async with running(app) as http:

        async def connected() -> bool:
            ready = (await http.get("/health/ready")).json()
            return set(ready["checks"].values()) == {"ok"}

        await until(connected)
        assert set((await http.get("/health/ready")).json()["checks"]) == {
            "broker",
            "started",
            "database",
            "cache",
        }
        for order in ("poison", "good"):
            assert (await http.post(f"/orders/{order}")).json()["event"]

        async def seen() -> bool:
            return (await http.get("/orders/good")).json() == {"seen": True, "cached": True}

        await until(seen)
        text = (await http.get("/metrics")).body.decode()
        consumed = (
            'messages_consumed_total{group="c",result="%s",service="svc",topic="order.placed"}'
        )
        for result in ("ok", "retry", "parked"):
            assert f"{consumed % result} 1.0" in text
        assert 'outbox_published_total{service="svc",topic="order.placed"} 2.0' in text

        # Without its broker a service that is bound to topics says so, lives, and still accepts:
        # the outbox keeps it.
        await asyncio.to_thread(nats.kill)

        async def broker_gone() -> bool:
            answer = await http.get("/health/ready")
            return answer.status == 503 and answer.json()["failed"] == ["broker"]

        await until(broker_gone)
        assert (await http.get("/health/live")).status == 200
        assert (await http.post("/orders/kept")).status == 200
        await asyncio.to_thread(nats.start)
        await until(connected)

        async def kept() -> bool:
            return (await http.get("/orders/kept")).json()["seen"]

        await until(kept)


async def test_without_a_broker_nothing_is_written_and_everything_else_works(
    database_url: str,
) -> None:
    async with running(everything({"DATABASE_URL": database_url})) as http:
        assert (await http.post("/orders/o")).json() == {"event": None}
        assert (await http.get("/orders/o")).json() == {"seen": False, "cached": False}


async def test_old_inbox_rows_are_deleted(database_url: str) -> None:
    database = Database(database_url)
    inbox = Inbox(database)
    await database.open()
    async with database.transaction() as conn:
        for _ in range(3):
            await inbox.first_time(conn, consumer="c", message_id=str(uuid4()))
        await conn.execute("update inbox set received_at = now() - interval '30 days'")
        await inbox.first_time(conn, consumer="c", message_id="fresh")
    assert await inbox.prune(keep_s=14 * 86_400) == 3
    async with database.connection() as conn:
        assert await conn.fetchval("select string_agg(message_id, '') from inbox") == "fresh"
    await database.close()


async def test_the_outbox_has_the_columns_of_debeziums_event_router(database_url: str) -> None:
    async with running(everything({"DATABASE_URL": database_url})):
        connection = await asyncpg.connect(database_url)
        rows = await connection.fetch(
            "select column_name, data_type from information_schema.columns"
            " where table_name = 'outbox'"
        )
        await connection.close()
    columns = {row["column_name"]: row["data_type"] for row in rows}
    assert {name: columns[name] for name in ("id", "aggregatetype", "aggregateid", "type")} == {
        "id": "uuid",
        "aggregatetype": "character varying",
        "aggregateid": "character varying",
        "type": "character varying",
    }
    assert columns["payload"] == "jsonb"


async def test_a_broker_that_answers_nothing_is_not_ready_and_one_that_wakes_is_again(
    database_url: str, nats: Any, nats_url: str
) -> None:
    env = {"DATABASE_URL": database_url, "BROKER_URL": nats_url, "PUBLISHES": "order.placed"}
    async with running(everything(env)) as http:

        async def ready() -> bool:
            return (await http.get("/health/ready")).status == 200

        async def not_ready() -> bool:
            return not await ready()

        await until(ready)
        nats.freeze()
        try:
            await until(not_ready)
            assert (await http.get("/health/live")).status == 200
        finally:
            nats.process.send_signal(signal.SIGCONT)
        await until(ready)
