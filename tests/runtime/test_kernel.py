"""The kernel's sockets over netlink are those of /proc, which is read where netlink is not."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tarmac.run.local.host import kernel

pytestmark = pytest.mark.skipif(not kernel.is_known(), reason="this system does not tell")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_listener_and_a_connection_to_it_are_found_with_their_process(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port)):
            listening = [
                listener for listener in kernel.sockets(kernel.LISTEN) if listener.port == port
            ]
            assert [listener.address for listener in listening] == [host]
            assert listening[0].inode in kernel.inodes_of(os.getpid())
            to_it = [e for e in kernel.sockets(kernel.ESTABLISHED) if e.remote_port == port]
            assert len(to_it) == 1
            assert to_it[0].inode in kernel.inodes_of(os.getpid())


def test_netlink_and_the_table_say_the_same_of_our_own_sockets(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = {
            listener for listener in kernel.sockets(kernel.LISTEN) if listener.port == _port(server)
        }
        text = Path("/proc/net/tcp").read_text()
        same = {e for e in kernel.parse(text, kernel.LISTEN) if e.port == _port(server)}
        assert ours == same != set()

        def refused(*_: object) -> None:
            raise OSError

        monkeypatch.setattr(kernel, "_asked", refused)
        assert {e for e in kernel.sockets(kernel.LISTEN) if e.port == _port(server)} == ours


def test_connections_that_their_listener_has_not_accepted_are_counted_until_it_does():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = _port(server)
        assert kernel.not_accepted([port]) == 0
        asking = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        asking[0].shutdown(socket.SHUT_WR)  # it has said all, and waits for the answer
        accepted = []
        for left in (3, 2, 1, 0):
            assert kernel.not_accepted([port]) == left
            assert kernel.not_accepted([port + 1]) == 0
            if left:
                accepted.append(server.accept()[0])
        for connection in (*asking, *accepted):
            connection.close()
        assert kernel.not_accepted([port]) == 0


def _port(server: socket.socket) -> int:
    return int(server.getsockname()[1])
