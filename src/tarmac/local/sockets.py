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


def is_free(port: int) -> bool:
    """Tell whether a port can be listened on now.

    Raises:
        TarmacError: it is one of those that only root may use.
    """
    with socket.socket() as listener:
        # Ports in TIME_WAIT are free; Linux still refuses one that somebody listens on.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise TarmacError(
                    f"port {port} needs more privileges; choose one above 1023"
                ) from None
            return False
    return True


def is_held_by(port: int, pids: Iterable[int]) -> bool:
    """Tell whether one of these processes listens on a port; True where it cannot be known."""
    inodes = _listening(port)
    if inodes is None:
        return True
    for pid in pids:
        with contextlib.suppress(OSError):
            for descriptor in os.scandir(f"/proc/{pid}/fd"):
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
