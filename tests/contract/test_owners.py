"""Whose a connection is: real sockets of two processes, as the kernel tells."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import pytest

from tarmac.run.local.network.owners import Owners

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the kernel is asked over netlink or /proc"
)

#: Connects from a port to another, says so, and keeps the connection until its input ends.
CLIENT = """
import socket, sys
made = socket.socket()
made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
made.bind(("127.0.0.1", int(sys.argv[1])))
made.connect(("127.0.0.1", int(sys.argv[2])))
print(flush=True)
sys.stdin.read()
"""


class Accepted(asyncio.BaseTransport):
    def __init__(self, connection: socket.socket) -> None:
        names = {"peername": connection.getpeername(), "sockname": connection.getsockname()}
        super().__init__(names)


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_a_connection_is_its_processes_though_another_has_the_same_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    servers = [listener(), listener(), listener()]
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(port), str(server.getsockname()[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for server in servers
    ]
    try:
        accepted = []
        for client, server in zip(clients, servers, strict=True):
            assert client.stdout is not None
            assert client.stdout.readline() == b"\n"
            accepted.append(server.accept()[0])
        owners = Owners()
        owners.pids = {"orders": [clients[0].pid], "payments": [clients[1].pid]}

        async def found() -> list[str]:
            return await asyncio.gather(*(owners.find(Accepted(one)) for one in accepted))

        assert asyncio.run(found()) == ["orders", "payments", ""]
    finally:
        for client in clients:
            client.communicate()
        for opened in (*servers, *accepted):
            opened.close()
