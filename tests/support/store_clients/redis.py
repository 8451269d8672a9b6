"""A client of redis that writes a 7 and reads it."""

from __future__ import annotations

from urllib.parse import urlsplit

import redis.asyncio


class Redis:
    async def write(self, url: str) -> None:
        async with redis.asyncio.from_url(url) as client:
            # It writes its file before it answers, if it syncs that only once a second: the end of
            # a process takes nothing away, that of the machine might.
            await client.set(self._key(url), 7)
            try:
                await client.config_set("maxmemory", 1)
            except redis.exceptions.NoPermissionError:
                return
            raise AssertionError("a service may change the server")

    async def read(self, url: str) -> int:
        async with redis.asyncio.from_url(url) as client:
            return int(await client.get(self._key(url)))

    def _key(self, url: str) -> str:
        return f"{urlsplit(url).username}:kept"


CLIENT = Redis()
