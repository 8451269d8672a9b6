"""A RabbitMQ broker that cannot be reached, or no more."""

from __future__ import annotations

import asyncio

import pytest
from aio_pika.connection import Connection

from tarmac_kit.bus.rabbitmq import RabbitBus


async def test_a_connection_that_fails_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its destructor closes it otherwise, when no event loop may be running."""
    tried: list[Connection] = []
    enough = asyncio.Event()

    async def connect(self: Connection, **_: object) -> None:
        tried.append(self)
        if len(tried) == 3:
            enough.set()
        raise ConnectionRefusedError

    monkeypatch.setattr(Connection, "connect", connect)
    bus = RabbitBus("amqp://shop:pw@127.0.0.1/", name="shop")
    await bus.open()
    await enough.wait()
    await bus.close()
    assert [connection.is_closed for connection in tried] == [True] * len(tried)


async def test_a_bus_that_is_closed_as_its_connection_is_refused_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connecting = asyncio.Event()

    async def connect(_: Connection, **__: object) -> None:
        connecting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionRefusedError from None  # as asyncio.wait_for of Python 3.11 does

    monkeypatch.setattr(Connection, "connect", connect)
    bus = RabbitBus("amqp://shop:pw@127.0.0.1/", name="shop")
    await bus.open()
    await connecting.wait()
    async with asyncio.timeout(60):
        await bus.close()
    assert "rabbitmq connection" not in {task.get_name() for task in asyncio.all_tasks()}
