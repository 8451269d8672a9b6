"""Reads requests and their answers as they go over a wire: what kind each was and how long it took.

HTTP/1, PostgreSQL's protocol and Redis's, told by the first bytes of a connection. Never a path, a
header's value, a body, a statement or a key. What is none of these goes on unread. Part of the
wires' process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from tarmac.run.local.network import http_heads, postgres_messages, redis_messages
from tarmac.run.local.network.durations import bucket_of


class Reader(Protocol):
    """Reads both directions of one connection in one protocol."""

    #: Nothing is read any more: it is another protocol, or becomes one here.
    ended: bool

    def sent(self, data: bytes) -> None:
        """Read what the client sent."""

    def received(self, data: bytes) -> None:
        """Read what the server answered."""

    def closed(self) -> None:
        """Count an answer that ends with the connection."""


class Requests:
    """What was counted on one wire: requests by kind and status, durations by bucket."""

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.durations: Counter[int] = Counter()

    def connection(self) -> Connection:
        """Begin to read one more connection."""
        return Connection(self)

    def add(self, kind: str, status: int, took_s: float) -> None:
        """Count one request with its answer."""
        self.statuses[kind, status] += 1
        self.durations[bucket_of(took_s)] += 1

    def counts(self) -> dict[str, Any]:
        """Return what was counted, as JSON can hold it."""
        return {
            "requests": {f"{kind} {status}": n for (kind, status), n in self.statuses.items()},
            "durations": {str(bucket): n for bucket, n in self.durations.items()},
        }


class Connection:
    """Both directions of one connection."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._reader: Reader | None = None
        #: Nothing is read any more.
        self.ended = False

    def sent(self, data: bytes) -> None:
        """Read what the client sent; the first bytes tell the protocol."""
        if self.ended:
            return
        if self._reader is None:
            make = _reader_of(data)
            if make is None:
                self.ended = True
                return
            self._reader = make(self._requests.add)
        self._reader.sent(data)
        self.ended = self._reader.ended

    def received(self, data: bytes) -> None:
        """Read what the server answered."""
        if not self.ended and self._reader is not None:
            self._reader.received(data)
            self.ended = self._reader.ended

    def closed(self) -> None:
        """Count an answer that ends with the connection."""
        if not self.ended and self._reader is not None:
            self._reader.closed()
        self.ended = True
        # A parser and the object that it calls hold each other.
        self._reader = None


def _reader_of(data: bytes) -> Callable[[Callable[[str, int, float], None]], Reader] | None:
    if data.startswith(http_heads.METHODS):
        return http_heads.HttpHeads
    if postgres_messages.is_start(data):
        return postgres_messages.PostgresMessages
    if redis_messages.is_command(data):
        return redis_messages.RedisMessages
    return None
