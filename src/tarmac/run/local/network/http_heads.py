"""Reads the heads of HTTP/1 messages: method, status and how long each took.

Never a path, a header's value or a body. A connection that becomes something else (an upgrade,
CONNECT) goes on unread.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import httptools

#: How a request of HTTP/1 begins.
METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"OPTIONS ")
INTERIM, SWITCHING = 200, 101
#: What parsing raises where it can go no further: no HTTP, or something else from here on.
UNREADABLE = (httptools.HttpParserError, httptools.HttpParserUpgrade)


class HttpHeads:
    """Both directions of one connection."""

    def __init__(self, count: Callable[[str, int, float], None]) -> None:
        self._count = count
        #: Method and start of each request that has no answer yet.
        self._open: deque[tuple[str, float]] = deque()
        self._sending, self._receiving = _Sending(self._open), _Receiving(self)
        self.ended = False

    def sent(self, data: bytes) -> None:
        """Read what the client sent."""
        try:
            self._sending.parser.feed_data(data)
        except UNREADABLE:
            self.ended = True

    def received(self, data: bytes) -> None:
        """Read what the service answered."""
        try:
            self._receiving.parser.feed_data(data)
        except UNREADABLE:
            self.ended = True
            return
        if self._receiving.bodiless:  # the parser waits for a body that does not come
            self._receiving = _Receiving(self)

    def closed(self) -> None:
        """Count an answer that ends with the connection."""
        if self._receiving.status:
            self.answered(self._receiving.status)

    @property
    def is_between(self) -> bool:
        """Whether no request is under way: all that began were sent and answered as a whole."""
        return not (self.ended or self._open or self._sending.is_open)

    @property
    def asked(self) -> str:
        """The method of the oldest request without an answer; empty without one."""
        return self._open[0][0] if self._open else ""

    def answered(self, status: int) -> None:
        """Count the oldest request that is open."""
        if self._open:
            method, began = self._open.popleft()
            self._count(method, status, time.monotonic() - began)


class _Sending:
    """Calls of the parser of requests."""

    def __init__(self, opened: deque[tuple[str, float]]) -> None:
        self.parser = httptools.HttpRequestParser(self)
        #: A request has begun whose end has not come yet.
        self.is_open = False
        self._open = opened

    def on_message_begin(self) -> None:
        self.is_open = True

    def on_headers_complete(self) -> None:
        method = self.parser.get_method().decode("ascii", "replace")
        self._open.append((method, time.monotonic()))

    def on_message_complete(self) -> None:
        self.is_open = False


class _Receiving:
    """Calls of the parser of answers."""

    def __init__(self, connection: HttpHeads) -> None:
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
