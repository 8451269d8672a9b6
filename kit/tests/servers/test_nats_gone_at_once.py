"""A NATS server that hangs up before it has said a word, as one that is ending does."""

from __future__ import annotations

import asyncio

import pytest
from waiting import until
from wired import servers

from tarmac_kit.bus.nats import NatsBus

INFO = b'INFO {"server_id":"T","version":"2.10.0","max_payload":1048576,"headers":true}\r\n'


class Ending:
    """Serve the first connection, hang up on those after it until `well`."""

    def __init__(self) -> None:
        self.accepted: list[asyncio.StreamWriter] = []
        self.well = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted.append(writer)
        if len(self.accepted) == 1 or self.well:
            writer.write(INFO)
            async for line in reader:
                if line == b"PING\r\n":
                    writer.write(b"PONG\r\n")


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.StreamWriter]:
    """Return the client's ends of all connections that are made, in order."""
    made: list[asyncio.StreamWriter] = []
    connect = asyncio.open_connection

    async def noted(*args: object, **options: object) -> object:
        reader, writer = await connect(*args, **options)  # type: ignore[arg-type]
        made.append(writer)
        return reader, writer

    monkeypatch.setattr(asyncio, "open_connection", noted)
    return made


async def test_no_connection_is_left_open_by_tries_that_fail(
    connections: list[asyncio.StreamWriter],
) -> None:
    ending = Ending()
    async with servers() as start:
        port = (await start(ending.serve)).port
        bus = NatsBus(f"nats://127.0.0.1:{port}", name="order-service")
        await bus.open()
        await until(lambda: bus.connected)
        ending.accepted[0].close()
        await until(lambda: len(ending.accepted) == 4)
        ending.well = True
        await until(lambda: bus.connected)
        assert [writer for writer in connections[:-1] if not writer.is_closing()] == []
        await bus.close()
        assert connections[-1].is_closing()
