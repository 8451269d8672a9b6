"""Ports of 127.0.0.1 for servers that start a moment later.

The kernel takes the port of each connection from a range (net.ipv4.ip_local_port_range, 32768 to
60999): one of these may be taken again before the server that it was chosen for listens.
"""

from __future__ import annotations

import random
import socket

#: Above that range. Sandboxes ask for ports from 10000 on, Tarmac chooses from 20000 on.
FIRST, LAST = 61_000, 65_535
#: Each run and each worker asks elsewhere; none is given twice by one of them.
_CHOICE = random.SystemRandom()
_GIVEN: set[int] = set()


def free_port() -> int:
    """Return a port that nothing listens on now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return so many neighbouring ports that nothing listens on now."""
    while True:
        first = _CHOICE.randrange(FIRST, LAST - count)
        ports = list(range(first, first + count))
        if _GIVEN.isdisjoint(ports) and all(map(is_free, ports)):
            _GIVEN.update(ports)
            return ports


def is_free(port: int) -> bool:
    """Tell whether nothing listens on a port now."""
    try:
        socket.create_server(("", port)).close()
    except OSError:
        return False
    return True
