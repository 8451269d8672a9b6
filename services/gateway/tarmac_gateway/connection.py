"""One HTTP/1.1 connection to a backend: a request out, its answer back, then the next.

Opened and kept by upstream.py, read by proxy.py. Parsing is llhttp's (httptools), as on the other
side of the gateway; what is here is buffers and the connection's life. It repeats nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httptools

#: From here on the backend is not read until the client has taken what is there.
READ_BUFFER_BYTES = 64 * 1024
#: Status line and headers together; a proxy's usual bound is 8 to 64 KiB.
MAX_HEAD_BYTES = 64 * 1024
_SHORT_BYTES = 16 * 1024
_BODILESS = frozenset({204, 304})
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
_SWITCHING = 101


class UpstreamError(Exception):
    """A backend's answer cannot be read, or broke off."""


class NoAnswerError(UpstreamError):
    """The backend cannot be reached, or ended the connection before it answered."""


class Connection(asyncio.Protocol):
    """An open connection, and the answer to its present request."""

    def __init__(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        #: Asking which loop runs is a system call, and would be one for each wait.
        self._loop = loop
        #: When it takes no new request any more.
        self.until = until
        #: Since when it waits for one.
        self.idle_since = 0.0
        self.closed = False
        self.is_used = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._asked = self._has_head = self._complete = False
        self._interim = self._until_end = self._keeps = self._paused = False
        self._is_head_only = False
        self._error: BaseException | None = None
        self._chunks: list[bytes] = []
        self._size_bytes = 0

    # What asyncio calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the transport; uvloop's is of no class of asyncio."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer: well, where its length was to be the connection's."""
        self.closed = True
        if self._until_end and exc is None:
            self._complete = True
        elif self._asked and not self._complete:
            kind = UpstreamError if self._has_head else NoAnswerError
            self.fail(kind(f"the connection ended ({exc or 'closed by the service'})"))
        self.resume_writing()
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Parse; what comes without a question ends the connection."""
        if not self._asked or self._complete:
            self.close()
            return
        if not self._has_head:
            self._size_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.fail(UpstreamError(f"the answer cannot be read ({type(error).__name__}: {error})"))
            self.close()
        except httptools.HttpParserUpgrade:
            self.fail(UpstreamError("the answer changes the protocol"))
            self.close()
        if not self._has_head and self._size_bytes > MAX_HEAD_BYTES:
            self.fail(UpstreamError(f"the head has more than {MAX_HEAD_BYTES} bytes"))
            self.close()

    def pause_writing(self) -> None:
        """Have the sender of a body wait."""
        self._writable = self._writable or self._loop.create_future()

    def resume_writing(self) -> None:
        """Have it go on."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin an answer: a second one to the same question is surplus."""
        if self._complete:
            self._keeps = False
        else:
            self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those behind a body are left out."""
        if not self._has_head:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Hand over the head, unless it is an interim one (100, 103)."""
        status = self._parser.get_status_code()
        if self._complete:
            return
        if 100 <= status < 200:
            if status == _SWITCHING:
                self.fail(UpstreamError("the answer changes the protocol"))
            self._interim = True
            return
        self.status, self._has_head, self._size_bytes = status, True, 0
        self._keeps = self._parser.should_keep_alive()
        if self._is_head_only:
            self._keeps, self._complete = False, True  # the parser waits for a body
        elif not self._keeps and status not in _BODILESS:
            self._until_end = not any(name.lower() in _LENGTHS for name, _ in self.headers)
        self._wake()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._complete:
            return
        self._chunks.append(body)
        self._size_bytes += len(body)
        if self._size_bytes > READ_BUFFER_BYTES and not self._paused:
            self._paused = True
            if self._transport is not None:
                self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        """End the answer."""
        if self._interim:
            self._interim = False
            return
        self._complete = True
        self._wake()

    # What upstream.py and proxy.py call.

    def ask(
        self, head: bytes, body: AsyncIterator[bytes] | None, *, chunked: bool, head_only: bool
    ) -> None:
        """Send a request; `head` has all of its lines."""
        self._asked, self._has_head, self._complete = True, False, False
        self._interim = self._until_end = self._keeps = False
        self._is_head_only, self._error, self._size_bytes = head_only, None, 0
        self._chunks.clear()
        # At the end of the loop's turn, with those of other requests: the first of them wakes the
        # service, and the others find it awake, which takes half as long.
        self._loop.call_soon(self._write, head)
        if body is not None:
            self._sending = self._loop.create_task(self._send(body, chunked=chunked))

    async def head(self) -> None:
        """Wait for `status` and `headers`. Raises UpstreamError, or what the body raised."""
        while not self._has_head:
            await self._more()

    async def readany(self) -> bytes:
        """Return what is there of the body, or wait for it; nothing at its end.

        Raises UpstreamError where it breaks off.
        """
        while not self._chunks and not self._complete:
            await self._more()
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size_bytes = 0
        if self._paused:
            self._paused = False
            if self._transport is not None and not self.closed:
                self._transport.resume_reading()
        return data

    @property
    def is_short(self) -> bool:
        """Whether all of the answer has come, and goes out without a wait for its client."""
        return self._complete and self._size_bytes <= _SHORT_BYTES

    def at_eof(self) -> bool:
        """Tell whether all of the body was read."""
        return self._complete and not self._chunks

    def fail(self, error: BaseException) -> None:
        """Have the reader of the answer see an error."""
        if self._error is None and not self._complete:
            self._error = error
        self._keeps = False
        self._wake()

    def end(self) -> bool:
        """End the exchange; tell whether the connection can take another request."""
        can = self.at_eof() and self._keeps and self._error is None and not self.closed
        self._asked = False
        if self._sending is not None:
            can = can and self._sending.done()
            self._sending.cancel()
            self._sending = None
        self.is_used = True
        if not can:
            self.close()
        return can

    def close(self) -> None:
        """Close it at once: what is not sent is not wanted."""
        if self._transport is not None and not self.closed:
            self._transport.abort()
        self.closed = True

    async def _more(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._error is not None and not self._chunks and not self._complete:
            raise self._error

    def _write(self, head: bytes) -> None:
        if self._transport is not None and not self.closed:
            self._transport.write(head)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _send(self, body: AsyncIterator[bytes], *, chunked: bool) -> None:
        try:
            async for piece in body:
                if self._writable is not None:
                    await self._writable
                if self.closed or self._transport is None:
                    return
                framed = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
                self._transport.write(framed)
            if chunked and not self.closed and self._transport is not None:
                self._transport.write(b"0\r\n\r\n")
        except Exception as error:  # noqa: BLE001 - the reader of the answer is told
            # The request must not look complete.
            self.fail(error)
            self.close()
        finally:
            with contextlib.suppress(RuntimeError):  # it runs, and is cancelled
                await body.aclose()  # type: ignore[attr-defined]
