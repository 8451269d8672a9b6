"""A wire to a server that a test can silence, delay and cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg


class Wire:
    """TCP to a server that a test can silence, delay, and cut."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self.url = ""
        self.asked = asyncio.Event()
        self.answered = asyncio.Event()
        self.silent = False
        self.passing = asyncio.Event()
        self.passing.set()
        self._awaited = b""
        self._writers: list[asyncio.StreamWriter] = []
        self._carrying: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Wire]:
        server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
        own, real = server.sockets[0].getsockname()[1], urlsplit(self._server_url).port
        self.url = self._server_url.replace(f":{real}", f":{own}")
        try:
            yield self
        finally:
            server.close()
            # Who was taken in at the last moment is written down, and then cut off too.
            await asyncio.sleep(0)
            self.cut()
            for task in self._carrying:
                task.cancel()
            if self._carrying:
                await asyncio.wait(self._carrying)
            await asyncio.sleep(0)
            self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def hold(self) -> None:
        """Keep the answers that come until `passing` is set again."""
        self.passing.clear()

    def listen(self, awaited: bytes = b"", *, silent: bool = False) -> None:
        """Set `asked` with the next question that has `awaited`; silent: none gets through."""
        self._awaited = awaited
        self.asked.clear()
        self.answered.clear()
        self.silent = silent

    async def say_goodbye(self, pid: int) -> None:
        """Have the server end a connection; the last words pass, the end does not."""
        self.listen()
        admin = await asyncpg.connect(self._server_url)
        await admin.execute("select pg_terminate_backend($1)", pid)
        await admin.close()
        await asyncio.wait_for(self.answered.wait(), 10)

    async def _taken(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Carry one connection; a task that ends as cancelled is an error to asyncio's streams."""
        self._writers.append(answer)
        carrying = asyncio.ensure_future(self._carry(client, answer))
        self._carrying.add(carrying)
        await asyncio.wait([carrying])
        self._carrying.discard(carrying)

    async def _carry(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        port = urlsplit(self._server_url).port
        server, question = await asyncio.open_connection("127.0.0.1", port)
        self._writers.append(question)
        if answer.is_closing():
            question.close()

        async def questions() -> None:
            while data := await client.read(65536):
                if self._awaited in data:
                    self.asked.set()
                if not self.silent:
                    question.write(data)

        async def answers() -> None:
            # The server's end of the connection is not passed on: `cut` does that.
            while data := await server.read(65536):
                await self.passing.wait()
                answer.write(data)
                self.answered.set()

        with contextlib.suppress(OSError):
            await asyncio.gather(questions(), answers())
