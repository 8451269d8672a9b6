"""Reads the heads of HTTP/1 messages that go over a wire: method, status and how long each took.

Never a path, a header's value or a body. What is not HTTP/1 goes on unread, as does a connection
that becomes something else (an upgrade, CONNECT). Part of the wires' process.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any

import httptools

from tarmac.local.network.durations import bucket_of

#: A connection whose first bytes are one of these is read.
METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"OPTIONS ")
INTERIM, SWITCHING = 200, 101


class Requests:
    """What was counted on one wire: requests by method and status, durations by bucket."""

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.durations: Counter[int] = Counter()

    def connection(self) -> Connection:
        """Begin to read one more connection."""
        return Connection(self)

    def add(self, method: str, status: int, took_s: float) -> None:
        """Count one request with its answer."""
        self.statuses[method, status] += 1
        self.durations[bucket_of(took_s)] += 1

    def counts(self) -> dict[str, Any]:
        """Say what was counted, as JSON can hold it."""
        return {
            "requests": {f"{method} {status}": n for (method, status), n in self.statuses.items()},
            "durations": {str(bucket): n for bucket, n in self.durations.items()},
        }


class Connection:
    """Both directions of one connection."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        #: Method and start of each request that has no answer yet.
        self._open: deque[tuple[str, float]] = deque()
        self._sending: _Sending | None = None
        self._receiving: _Receiving | None = None
        #: Nothing is read any more.
        self.ended = False

    def sent(self, data: bytes) -> None:
        """Read what the client sent."""
        if self.ended:
            return
        if self._sending is None:
            if not data.startswith(METHODS):
                self.ended = True
                return
            self._sending, self._receiving = _Sending(self._open), _Receiving(self)
        try:
            self._sending.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.ended = True

    def received(self, data: bytes) -> None:
        """Read what the service answered."""
        if self.ended or self._receiving is None:
            return
        try:
            self._receiving.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.ended = True
            return
        if self._receiving.bodiless:  # the parser waits for a body that does not come
            self._receiving = _Receiving(self)

    def closed(self) -> None:
        """Count an answer that ends with the connection."""
        if not self.ended and self._receiving is not None and self._receiving.status:
            self.answered(self._receiving.status)
        self.ended = True
        # A parser and the object that it calls hold each other.
        self._sending = self._receiving = None

    @property
    def asked(self) -> str:
        """The method of the oldest request without an answer; empty without one."""
        return self._open[0][0] if self._open else ""

    def answered(self, status: int) -> None:
        """Count the oldest request that is open."""
        if self._open:
            method, began = self._open.popleft()
            self._requests.add(method, status, time.monotonic() - began)


class _Sending:
    """Calls of the parser of requests."""

    def __init__(self, opened: deque[tuple[str, float]]) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self._open = opened

    def on_headers_complete(self) -> None:
        method = self.parser.get_method().decode("ascii", "replace")
        self._open.append((method, time.monotonic()))


class _Receiving:
    """Calls of the parser of answers."""

    def __init__(self, connection: Connection) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self._connection = connection
        self.status = 0
        self.bodiless = False

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        if self.status == SWITCHING:
            self._connection.ended = True
        elif self.status >= INTERIM and self._connection.asked == "HEAD":
            self._connection.answered(self.status)
            self.status, self.bodiless = 0, True

    def on_message_complete(self) -> None:
        if self.status >= INTERIM:
            self._connection.answered(self.status)
        self.status = 0
