"""What a fault does to HTTP/1: answers requests in a service's place, and lets bodies trickle.

Part of the wires' process, while a drill disturbs an edge. What is not HTTP/1 goes on as it came.
"""

from __future__ import annotations

import http
from collections.abc import Callable, Iterator

import httptools

from tarmac.run.local.network.disturbance import Disturbance
from tarmac.run.local.network.http_heads import METHODS

#: A body comes in pieces of what its rate carries in this time, and of no fewer bytes.
PIECE_S, PIECE_BYTES = 0.1, 16
ANSWER, HEAD_END = b"HTTP/1.", b"\r\n\r\n"
BODY = b"A fault of a drill answers in the place of this service.\n"
#: What goes on, and with how many bytes per second; 0: at once.
Taken = Iterator[tuple[bytes, float]]


class HttpFault:
    """Both directions of one connection.

    Args:
        disturbed: tells what is done to the wire now; None: nothing any more.
        answer: writes to the client; true if the connection ends with that.
    """

    def __init__(
        self, disturbed: Callable[[], Disturbance | None], answer: Callable[[bytes, bool], None]
    ) -> None:
        self._disturbed = disturbed
        self._answer = answer
        #: While a request comes.
        self._request: _Request | None = None
        #: A request went on whose answer has not begun: none that follows may be answered first.
        self._waits = False
        #: The connection became something else.
        self._is_over = False
        self._in_head = self._in_body = self._is_slowed = False
        #: The end of what came of a head.
        self._tail = b""

    def sent(self, data: bytes) -> Taken:
        """Yield what goes on to the service: nothing of a request that is answered here."""
        if self._is_over or not self._keeps(data):
            self._waits = True
            yield data, 0.0

    def _keeps(self, data: bytes) -> bool:
        request = self._request
        if request is None:
            if not data.startswith(METHODS):
                return False
            request = _Request(self._chosen(), self._answer)
        try:
            request.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._is_over = request.disturbance is None
        except httptools.HttpParserError:
            self._is_over = True
            if request.disturbance is None or not (self._request or request.answers):
                return False
            self._answer(b"", True)  # its beginning was kept here: the rest makes no sense there
        self._request = request if request.is_open else None
        return request.disturbance is not None

    def _chosen(self) -> Disturbance | None:
        """Decide whether the next request is answered here, and by what."""
        disturbance = self._disturbed()
        return None if disturbance is None or self._waits or not disturbance.errs() else disturbance

    def received(self, data: bytes) -> Taken:
        """Yield what goes on to the client: a head at once, a body bit by bit."""
        self._waits = False
        disturbance = self._disturbed()
        rate = 0.0 if disturbance is None else disturbance.rule.body_bytes_per_s
        if disturbance is None or not rate:
            self._in_head = self._in_body = False
            yield data, 0.0
            return
        if data.startswith(ANSWER):
            self._in_head, self._in_body, self._is_slowed, self._tail = True, False, False, b""
        if self._in_head:
            seen = self._tail + data
            end = seen.find(HEAD_END) + len(HEAD_END) - len(self._tail)
            if HEAD_END not in seen:
                self._tail, end = seen[1 - len(HEAD_END) :], len(data)
            else:
                self._in_head, self._in_body = False, True
            yield data[:end], 0.0
            data = data[end:]
            if data.startswith(ANSWER):  # the first was an interim answer: 100 Continue
                yield from self.received(data)
                return
        if not self._in_body:
            if data:
                yield data, 0.0
            return
        if data and not self._is_slowed:
            self._is_slowed = True
            disturbance.effect.slowed += 1
        size = max(PIECE_BYTES, int(rate * PIECE_S))
        for begin in range(0, len(data), size):
            yield data[begin : begin + size], rate


class _Request:
    """Calls of the parser for one request, or for some that came together.

    Args:
        disturbance: what has it answered here; None: the service answers it.
    """

    def __init__(
        self, disturbance: Disturbance | None, answer: Callable[[bytes, bool], None]
    ) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.disturbance = disturbance
        self.is_open = True
        self.answers = 0
        self._answer = answer
        self._expects = False

    def on_message_begin(self) -> None:
        self.is_open = True

    def on_header(self, name: bytes, _: bytes) -> None:
        self._expects = self._expects or name.lower() == b"expect"

    def on_headers_complete(self) -> None:
        # Its client sends the body only once it is told to, and need not send it after an error.
        if self._expects:
            self._end(last=True)

    def on_message_complete(self) -> None:
        self.is_open = False
        if not self._expects:
            self._end(last=not self.parser.should_keep_alive())

    def _end(self, *, last: bool) -> None:
        if self.disturbance is None:
            return
        self.answers += 1
        self.disturbance.effect.answered += 1
        body = b"" if self.parser.get_method() == b"HEAD" else BODY
        self._answer(_head(self.disturbance.rule.error_status, last=last) + body, last)


def _head(status: int, *, last: bool) -> bytes:
    known = {one.value: one.phrase for one in http.HTTPStatus}
    lines = [
        f"HTTP/1.1 {status} {known.get(status, 'Error')}",
        "Content-Type: text/plain",
        f"Content-Length: {len(BODY)}",
        f"Connection: {'close' if last else 'keep-alive'}",
    ]
    return "\r\n".join(lines).encode() + HEAD_END
