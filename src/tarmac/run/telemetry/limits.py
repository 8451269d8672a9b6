"""What clients may hold of the telemetry process: memory, time and connections.

Every local program can connect. Used by receiver.py (HTTP), grpc.py, intake.py and writer.py.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass, field

#: Descriptors that do not belong to clients: files, the database, metrics that are read.
OWN_DESCRIPTORS = 100


class FullQueue(Exception):
    """There is no place for it now; it may be sent again."""


class TooLarge(ValueError):
    """A request is larger than any that is taken."""


def _connections() -> int:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(OWN_DESCRIPTORS, soft - OWN_DESCRIPTORS)


@dataclass(frozen=True)
class Limits:
    """Of one process that receives."""

    #: Bytes of a request, as it comes and unpacked: batches of the SDKs have 512 spans.
    request_bytes: int = 16 << 20
    #: Bytes of all requests that come or wait to be decoded.
    held_bytes: int = 64 << 20
    #: Bytes of a request's head, and of answers that a client does not read.
    head_bytes: int = 64 << 10
    unread_bytes: int = 1 << 20
    #: Seconds for the head of a request, and for all of its body: a batch takes milliseconds.
    head_s: float = 10.0
    body_s: float = 10.0
    #: Seconds that a connection of gRPC goes on without a call; clients connect again.
    idle_s: float = 120.0
    #: Clients that are connected at once: there are descriptors for no more.
    connections: int = field(default_factory=_connections)


class HeldBytes:
    """The bytes of all requests that come or wait to be decoded."""

    def __init__(self, most: int) -> None:
        """Count up to so many."""
        self._most = most
        self.now = 0

    def add(self, size: int) -> None:
        """Count bytes that came. Raises FullQueue, and counts none, where they have no place."""
        if self.now + size > self._most:
            raise FullQueue(f"requests of {self._most} bytes are under way")
        self.now += size

    def drop(self, size: int) -> None:
        """Count bytes as held no longer."""
        self.now -= size
