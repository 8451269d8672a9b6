"""One request and its answer on a connection: uvicorn's, with a head that is checked as a whole.

Made by protocol.py for each request. uvicorn searches each name and each value of a head by a
pattern of its own, which took a twentieth of a small answer; here names are known after their first
use, and one pass over the bytes finds what may stand in no value.
"""

from __future__ import annotations

from collections.abc import Iterable

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HEADER_RE, STATUS_LINE, RequestResponseCycle

#: How the lines of headers begin, by their names as they were given.
_NAMES: dict[bytes, bytes] = {}
_MOST_NAMES = 1000
_LENGTH, _CODING, _CONNECTION = b"content-length: ", b"transfer-encoding: ", b"connection: "
_DECIDING = frozenset({_LENGTH, _CODING, _CONNECTION})
_END = b"\r\n"
#: All that a value may hold: no control characters but the tab.
_VALID = bytes({9, *range(32, 256)} - {127})
_BODILESS = frozenset({204, 304})


class Cycle(RequestResponseCycle):
    """A request that is answered."""

    async def send(self, message: ASGISendEvent) -> None:
        """Write a head or a piece of a body; wait while the client takes nothing.

        Raises RuntimeError for an event that is not due, a header that no client could read, and a
        body of another length than its head says.
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        expected = "http.response.body" if self.response_started else "http.response.start"
        if self.response_complete or message["type"] != expected:
            raise RuntimeError(f"the answer has '{message['type']}' where it is not due")
        if message["type"] == "http.response.start":
            self.response_started, self.waiting_for_100_continue = True, False
            self.transport.write(self._head(message["status"], message.get("headers", ())))
        elif message["type"] == "http.response.body":
            self._write_body(message.get("body", b""), more=message.get("more_body", False))

    def _head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        lines = [STATUS_LINE[status]]
        says_close = False
        for name, value in (*self.default_headers, *headers):
            begin = _NAMES.get(name) or _begin(name)
            if begin in _DECIDING:
                if begin is _LENGTH:
                    if self.chunked_encoding is None:
                        self.expected_content_length, self.chunked_encoding = int(value), False
                elif begin is _CODING:
                    if value.lower() == b"chunked":
                        self.expected_content_length, self.chunked_encoding = 0, True
                elif b"close" in [token.strip() for token in value.lower().split(b",")]:
                    self.keep_alive, says_close = False, True
            lines.append(begin + value + _END)
        if not self.keep_alive and not says_close:
            lines.append(b"connection: close\r\n")
        is_bodiless = self.scope["method"] == "HEAD" or status in _BODILESS
        if self.chunked_encoding is None and not is_bodiless:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(_END)
        head = b"".join(lines)
        if head.translate(None, _VALID) != _END * len(lines):
            raise RuntimeError("a header of the answer holds a control character")
        return head

    def _write_body(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
        elif self.chunked_encoding:
            framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self.transport.write(framed if more else framed + b"0\r\n\r\n")
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0:
                raise RuntimeError("the body is longer than the head says")
            self.transport.write(body)
        if not more:
            if self.expected_content_length:
                raise RuntimeError("the body is shorter than the head says")
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()


def _begin(name: bytes) -> bytes:
    """Return how a header's line begins; raise RuntimeError for what is no name."""
    if not name or HEADER_RE.search(name):
        raise RuntimeError(f"the answer has a header that no client could read: {name!r}")
    begin = bytes(name).lower() + b": "
    begin = next((known for known in _DECIDING if known == begin), begin)
    if len(_NAMES) < _MOST_NAMES:
        _NAMES[name] = begin
    return begin
