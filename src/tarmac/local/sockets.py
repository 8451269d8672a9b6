"""Who listens where on this machine: free ports, and whether a listener is one of ours."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable
from pathlib import Path

from tarmac.errors import TarmacError

LOOPBACK = "127.0.0.1"
_LISTEN = "0A"  # include/net/tcp_states.h


class Reservations:
    """Ports that are held until the process that is to listen there starts.

    Two systems that start at the same moment would otherwise both find the same port free.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Hold a port; False if somebody else has it."""
        if port in self._held:
            return False
        held = _bound(port)
        if held is None:
            return False
        self._held[port] = held
        return True

    def hand_over(self, port: int) -> socket.socket:
        """Give the held socket itself to who is to listen on it. Raises KeyError."""
        return self._held.pop(port)

    def release(self, ports: Iterable[int]) -> None:
        """Let ports go that were held, just before they are needed."""
        for port in ports:
            if held := self._held.pop(port, None):
                held.close()

    def release_all(self) -> None:
        """Let every port go."""
        self.release(list(self._held))


def is_free(port: int) -> bool:
    """Tell whether a port can be listened on now."""
    bound = _bound(port)
    if bound is not None:
        bound.close()
    return bound is not None


def _bound(port: int) -> socket.socket | None:
    """Bind a port without listening: who connects is refused, and nobody else can bind it.

    Raises:
        TarmacError: it is one of those that only root may use.
    """
    bound = socket.socket()
    try:
        # Ports in TIME_WAIT are free: hence the option for the bind. Without it afterwards, as the
        # kernel then refuses all others, whatever options they have.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError as error:
        bound.close()
        if error.errno == errno.EACCES:
            raise TarmacError(f"port {port} needs more privileges; choose one above 1023") from None
        return None
    return bound


def is_held_by(port: int, pids: Iterable[int]) -> bool:
    """Tell whether one of these processes listens on a port; True where it cannot be known."""
    inodes = _listening(port)
    if inodes is None:
        return True
    for pid in pids:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
            for descriptor in descriptors:
                with contextlib.suppress(OSError):
                    if os.readlink(descriptor.path) in inodes:  # noqa: PTH115 - hot: many files
                        return True
    return False


def _listening(port: int) -> set[str] | None:
    """List the sockets that listen on a port, as /proc/PID/fd shows them; None without /proc."""
    found: set[str] = set()
    tables = [Path("/proc/net") / name for name in ("tcp", "tcp6")]
    if not tables[0].exists():
        return None
    for table in tables:
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found
