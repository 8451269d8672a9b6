"""A wires' process without a supervisor, and servers and clients to put at its ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from tarmac.run.local.network import wires

HOST = "127.0.0.1"
EDGE = "a->b:http"
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Handler = Callable[[Reader, Writer], Awaitable[None]]
Target = tuple[str, int, bool]
MB = 1_000_000
#: By so much a delay may look too short: the clock of the wires' loop counts whole milliseconds.
TICKS_S = 0.005


class Process:
    """A wires' process, and the supervisor's end of its channel."""

    def __init__(self) -> None:
        self.end, theirs = socket.socketpair()
        self.end.settimeout(10)
        self.lines = self.end.makefile("rb")
        self.popen = subprocess.Popen(
            [sys.executable, "-I", str(Path(wires.__file__))],
            stdin=theirs,
        )
        theirs.close()
        self.asked = 0

    def tell(self, message: dict[str, Any], *descriptors: int) -> None:
        line = json.dumps(message).encode() + b"\n"
        if descriptors:
            socket.send_fds(self.end, [line[:1]], descriptors)
            line = line[1:]
        self.end.sendall(line)

    def wire(self, *targets: Target, edge: str = EDGE) -> int:
        """Make a wire; return its port."""
        with socket.create_server((HOST, 0), backlog=4096) as listener:
            self.tell(
                {"op": "wire", "id": edge, "targets": targets, "listeners": 1}, listener.fileno()
            )
            return listener.getsockname()[1]

    def targets(self, *targets: Target) -> None:
        self.tell({"op": "targets", "id": EDGE, "targets": targets})
        self.count()  # it has heard of it

    def count(self) -> dict[str, dict[str, Any]]:
        self.asked += 1
        self.tell({"op": "count", "ask": self.asked})
        answer = json.loads(self.lines.readline())
        assert answer["answer"] == self.asked
        return answer["wires"]

    async def counted(self, **wanted: int) -> dict[str, Any]:
        """Return the edge's counts once they are as wanted: connections end a moment later."""
        while not wanted.items() <= (now := self.count()[EDGE]).items():  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.01)
        return now

    def memory_kb(self, line: str = "VmHWM") -> int:
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        return next(int(text.split()[1]) for text in status.splitlines() if text.startswith(line))

    def close(self) -> None:
        self.lines.close()
        self.end.close()
        assert self.popen.wait(10) == 0  # it ends with its supervisor, without a complaint


class Instance:
    """A server of the test's own, as a wire's target."""

    def __init__(self, name: str, server: asyncio.Server) -> None:
        self.name = name
        self.server = server
        self.port: int = server.sockets[0].getsockname()[1]

    def __call__(self, ready: bool = True) -> Target:
        """Write it as a target."""
        return (self.name, self.port, ready)


@contextlib.asynccontextmanager
async def servers() -> AsyncIterator[Callable[..., Awaitable[Instance]]]:
    """Give a function that starts a server; all of them end with the block."""
    made: list[Instance] = []
    tasks: set[asyncio.Task[None]] = set()

    async def start(handler: Handler, name: str = "b") -> Instance:
        async def handle(reader: Reader, writer: Writer) -> None:
            task = asyncio.current_task()
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            try:
                await handler(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(handle, HOST, 0, backlog=4096)
        made.append(Instance(name, server))
        return made[-1]

    try:
        yield start
    finally:
        for wire in made:
            wire.server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def connected(port: int, **options: Any) -> AsyncIterator[tuple[Reader, Writer]]:
    reader, writer = await asyncio.open_connection(HOST, port, **options)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def echo(reader: Reader, writer: Writer) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


def says(name: str) -> Handler:
    async def handler(reader: Reader, writer: Writer) -> None:
        writer.write(name.encode() + b"\n")
        with contextlib.suppress(OSError):
            await reader.read()

    return handler


async def hear(port: int, said: bytes = b"") -> bytes:
    """Say something and return all that comes back."""
    async with connected(port) as (reader, writer):
        writer.write(said)
        return await reader.read(-1)


async def who(port: int) -> str:
    async with connected(port) as (reader, _):
        return (await reader.readline()).decode().strip()


def reset_when_closed(connection: Any) -> None:
    """Let the other end of a socket see a reset instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def refused_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return listener.getsockname()[1]
