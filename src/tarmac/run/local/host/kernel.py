"""The kernel's TCP sockets, and which process has which (Linux; elsewhere unknown).

Asked over netlink, which sends only the sockets of one state: a machine under load has thousands
in TIME_WAIT, and to read them all as text takes 60 ms. Where netlink is not to be had, /proc/net
is read.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import socket
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

ESTABLISHED, CLOSE_WAIT, LISTEN = 1, 8, 10  # include/net/tcp_states.h
_NETLINK_SOCK_DIAG = 4  # linux/netlink.h
_SOCK_DIAG_BY_FAMILY = 20  # linux/sock_diag.h
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_ASK = struct.Struct("=BBBBI48x")  # inet_diag_req_v2, of any socket
_SOCKET = struct.Struct("=BBBB2s2s16s16s12xIIIII")  # inet_diag_msg
_TABLES = {socket.AF_INET: "tcp", socket.AF_INET6: "tcp6"}


@dataclass(frozen=True, order=True)
class TcpSocket:
    """One socket, as the kernel knows it."""

    port: int
    address: str
    #: As /proc/PID/fd names it: `socket:[INODE]`.
    inode: str = ""
    remote_port: int = 0
    remote_address: str = ""

    def answers(self, host: str) -> bool:
        """Tell whether it is reached: it listens at that address, everywhere, or on loopback."""
        return self.address in (host, "0.0.0.0", "::", f"::ffff:{host}", "::1")

    @property
    def is_to_loopback(self) -> bool:
        """Whether its other end is on this machine: 127.0.0.0/8, also as IPv6 writes it, or ::1."""
        return self.remote_address.removeprefix("::ffff:").startswith("127.") or (
            self.remote_address == "::1"
        )


def inodes_of(pid: int) -> set[str]:
    """List the sockets that a process has; none if it ended or is another user's."""
    found: set[str] = set()
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                target = os.readlink(descriptor.path)  # noqa: PTH115 - hot: many files
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


def is_known() -> bool:
    """Tell whether this system says anything of its sockets."""
    return Path("/proc/net/tcp").exists()


def sockets(state: int) -> list[TcpSocket]:
    """List the sockets of this network namespace that are in a state."""
    found: list[TcpSocket] = []
    for family, table in _TABLES.items():
        try:
            found.extend(_asked(family, state))
        except OSError:
            with contextlib.suppress(OSError):
                found.extend(parse((Path("/proc/net") / table).read_text(), state))
    return found


def not_accepted(ports: Collection[int]) -> int:
    """Count the connections to listeners of these ports that wait in their queues.

    What no process has accepted has no inode yet. In CLOSE_WAIT the client has said all it will.
    """
    return sum(
        socket.port in ports and socket.inode == "0"
        for state in (ESTABLISHED, CLOSE_WAIT)
        for socket in sockets(state)
    )


def parse(table: str, state: int) -> Iterator[TcpSocket]:
    """Read the sockets of /proc/net/tcp or tcp6 that are in a state."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and int(fields[3], 16) == state:
            address, _, port = fields[1].rpartition(":")
            remote, _, remote_port = fields[2].rpartition(":")
            yield TcpSocket(
                int(port, 16),
                _from_hex(address),
                fields[9],
                int(remote_port, 16),
                _from_hex(remote),
            )


def _asked(family: int, state: int) -> Iterator[TcpSocket]:
    """Ask over netlink. Raises OSError where that is not allowed."""
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, _NETLINK_SOCK_DIAG) as asked:
        ask = _ASK.pack(family, socket.IPPROTO_TCP, 0, 0, 1 << state)
        length = _HEADER.size + len(ask)
        asked.send(_HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + ask)
        while True:
            data = asked.recv(262144)
            while data:
                length, message, *_ = _HEADER.unpack_from(data)
                if message == _ERROR:
                    raise OSError("the kernel does not answer for its sockets")
                if message == _DONE:
                    return
                yield _read(data[_HEADER.size : length])
                data = data[(length + 3) & ~3 :]


def _read(message: bytes) -> TcpSocket:
    family, _, _, _, port, remote_port, *addresses, _, _, _, _, inode = _SOCKET.unpack_from(message)
    length = 4 if family == socket.AF_INET else 16
    address, remote = (_shown(packed[:length]) for packed in addresses)
    return TcpSocket(
        int.from_bytes(port, "big"),
        address,
        str(inode),
        int.from_bytes(remote_port, "big"),
        remote,
    )


def _from_hex(text: str) -> str:
    raw = bytes.fromhex(text)
    # Words of four bytes in the machine's order; every machine that we run on is little endian.
    words = (raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    return _shown(b"".join(words))


@functools.lru_cache(maxsize=256)  # a few addresses have all the sockets of a machine
def _shown(raw: bytes) -> str:
    address = ipaddress.ip_address(raw)
    # Of what an IPv6 socket calls an IPv4 address, Python before 3.13 writes the hex words.
    mapped = getattr(address, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(address)
