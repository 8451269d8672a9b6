"""Ports of this machine: free ones, reservations, and whether a process listens on one."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from tarmac.base.errors import TarmacError
from tarmac.run.local.host import kernel

LOOPBACK = "127.0.0.1"
LOOPBACK_6 = "::1"


class Reservations:
    """Ports that are held until the process that is to listen there starts.

    Two systems that start at the same moment would otherwise both find the same port free.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Hold a port; False if another process has it."""
        if port in self._held:
            return False
        held = _bound(port)
        if held is None:
            return False
        self._held[port] = held
        return True

    def take_any(self) -> int:
        """Hold a free port, whichever; return its number."""
        while True:
            held = _bound(0)
            if held is not None:
                port: int = held.getsockname()[1]
                self._held[port] = held
                return port

    def hand_over(self, port: int) -> socket.socket:
        """Hand over the socket itself to its listener, bound now if it was not held.

        Raises:
            TarmacError: another process has taken the port.
        """
        held = self._held.pop(port, None) or _bound(port)
        if held is None:
            raise TarmacError(f"port {port} was just taken by another process; try again")
        return held

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
    """Bind a port without listening: connections are refused, and no other process can bind it.

    One at which another process listens over IPv6 is not free: `localhost` would lead there.

    Raises:
        TarmacError: only root may use this port.
    """
    bound = socket.socket()
    try:
        # Ports in TIME_WAIT are free, so the option for the bind. Without it afterwards, as the
        # kernel then refuses all others, whatever options they have.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError as error:
        bound.close()
        if error.errno == errno.EACCES:
            raise TarmacError(f"port {port} needs more privileges; choose one above 1023") from None
        return None
    if _is_taken_over_ipv6(bound.getsockname()[1]):
        bound.close()
        return None
    return bound


def _is_taken_over_ipv6(port: int) -> bool:
    try:
        with socket.socket(socket.AF_INET6) as bound:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((LOOPBACK_6, port))
    except OSError as error:  # another: this machine has no IPv6
        return error.errno == errno.EADDRINUSE
    return False


def is_held_by(port: int, pids: Iterable[int]) -> bool:
    """Tell whether one of these processes listens on a port; True where it cannot be known."""
    if not kernel.is_known():
        return True
    inodes = {socket.inode for socket in kernel.sockets(kernel.LISTEN) if socket.port == port}
    return any(not inodes.isdisjoint(kernel.inodes_of(pid)) for pid in pids)
