"""A program that leads a port of loopback here into the network of another namespace.

`python forward.py PORT ADDRESS ADDRESS_PORT NETWORK`: it listens, enters the network namespace that
the path NETWORK names, writes one byte when it serves, and runs until it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from pathlib import Path

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


async def serve(listener: socket.socket, address: str, port: int) -> None:
    """Connect each connection that comes in to the address, and copy both ways."""
    open_ones: set[asyncio.Task[None] | None] = set()  # the loop itself forgets them

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(asyncio.current_task())
        try:
            await join(reader, writer)
        finally:
            open_ones.discard(asyncio.current_task())

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            away_reader, away_writer = await asyncio.open_connection(address, port)
        except OSError:
            writer.transport.abort()  # refused there is reset here
            return
        await asyncio.gather(_copy(reader, away_writer), _copy(away_reader, writer))
        for end in (writer, away_writer):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    server = await asyncio.start_server(connect, sock=listener)
    os.write(1, b".")
    await server.serve_forever()


def main(argv: list[str]) -> None:
    """Listen out here, connect in there."""
    here, address, port, network = argv
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    listener = socket.create_server(("127.0.0.1", int(here)))
    with Path(network).open() as entered:
        if libc.setns(entered.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"no way into {network}")
    asyncio.run(serve(listener, address, int(port)))


if __name__ == "__main__":
    main(sys.argv[1:])
