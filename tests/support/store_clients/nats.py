"""A client of nats that writes a 7 and reads it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import nats

from tarmac_kit import Bus, Message
from tarmac_kit.bus import make_bus


class Nats:
    async def write(self, url: str) -> None:
        async with self._bus(url) as bus:
            await bus.publish(Message("1", "kept.it", "k", {"kept": 7}))

    async def read(self, url: str) -> int:
        got: asyncio.Queue[Message] = asyncio.Queue()
        async with self._bus(url) as bus:
            await bus.consume(("kept.it",), self._user(url), got.put)
            return int((await asyncio.wait_for(got.get(), 20)).payload["kept"])

    def _user(self, url: str) -> str:
        return urlsplit(url).username or ""

    @contextlib.asynccontextmanager
    async def _bus(self, url: str) -> AsyncIterator[Bus]:
        # A service of the kit may do what the kit's own adapter does.
        bus = make_bus(url, service=self._user(url))
        await bus.open()
        async with asyncio.timeout(20):
            while not bus.connected:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.01)
        yield bus
        await bus.close()


class ForeignNats:
    async def write(self, url: str) -> None:
        connection = await nats.connect(url, allow_reconnect=False)
        stream = connection.jetstream()
        await stream.add_stream(name="kept", subjects=["kept.>"])
        await stream.publish("kept.it", b"7")
        await connection.close()

    async def read(self, url: str) -> int:
        connection = await nats.connect(url, allow_reconnect=False)
        got = await connection.jetstream().get_msg("kept", 1)
        await connection.close()
        return int(got.data or b"0")


CLIENT = Nats()
FOREIGN = ForeignNats()
