"""Connects to servers of this machine, at either loopback; used by the probes."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from tarmac.run.local.host.sockets import LOOPBACK_6


async def connect(host: str, port: int) -> socket.socket:
    """Connect to a server of this machine, which may listen on IPv6's loopback alone.

    Many a development server does: it asks for `localhost`, and takes the first address.
    """
    try:
        return await _connect(socket.AF_INET, host, port)
    except ConnectionRefusedError:
        with contextlib.suppress(OSError):
            return await _connect(socket.AF_INET6, LOOPBACK_6, port)
        raise


async def _connect(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # A bare socket costs half of what a stream does, and every node is asked every second.
    connection = socket.socket(family)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, (host, port))
    except BaseException:
        connection.close()
        raise
    return connection
