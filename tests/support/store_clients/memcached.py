"""A client of memcached that writes a 7 and reads it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit


class Memcached:
    """Memcached's text protocol, of which the first command says who it is."""

    async def write(self, url: str) -> None:
        async with self._open(url) as (reader, writer):
            assert await self._set(reader, writer, "kept", b"7") == b"STORED\r\n"

    async def read(self, url: str) -> int:
        async with self._open(url) as (reader, writer):
            writer.write(b"get kept\r\n")
            first = await reader.readline()
            if first == b"END\r\n":
                raise LookupError("it is empty")
            return int(await reader.readline())

    @contextlib.asynccontextmanager
    async def _open(
        self, url: str
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        login = f"{parts.username} {parts.password}".encode()
        try:
            if await self._set(reader, writer, "login", login) != b"STORED\r\n":
                raise PermissionError(parts.username)
            yield reader, writer
        finally:
            writer.close()
            await writer.wait_closed()

    async def _set(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str, value: bytes
    ) -> bytes:
        writer.write(b"set %s 0 0 %d\r\n%s\r\n" % (key.encode(), len(value), value))
        return await reader.readline()


CLIENT = Memcached()
