"""The kernel's sockets over netlink are those of /proc, which is read where netlink is not."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tarmac.local.machine import kernel

pytestmark = pytest.mark.skipif(not kernel.is_known(), reason="this system does not tell")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_listener_and_a_connection_to_it_are_found_with_their_process(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port)):
            listening = [each for each in kernel.sockets(kernel.LISTEN) if each.port == port]
            assert [each.address for each in listening] == [host]
            assert listening[0].inode in kernel.inodes_of(os.getpid())
            to_it = [e for e in kernel.sockets(kernel.ESTABLISHED) if e.remote_port == port]
            assert len(to_it) == 1
            assert to_it[0].inode in kernel.inodes_of(os.getpid())


def test_netlink_and_the_table_say_the_same_of_our_own_sockets(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = {each for each in kernel.sockets(kernel.LISTEN) if each.port == _port(server)}
        text = Path("/proc/net/tcp").read_text()
        same = {e for e in kernel.parse(text, kernel.LISTEN) if e.port == _port(server)}
        assert ours == same != set()

        def refused(*_: object) -> None:
            raise OSError

        monkeypatch.setattr(kernel, "_asked", refused)
        assert {e for e in kernel.sockets(kernel.LISTEN) if e.port == _port(server)} == ours


def _port(server: socket.socket) -> int:
    return int(server.getsockname()[1])
