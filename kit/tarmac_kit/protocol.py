"""uvicorn's HTTP protocol with bounds on what comes before a request is one.

Given to uvicorn by `serve`. A head (or what follows a body's last chunk) may have so many bytes and
take so long, or the connection is closed; what cannot be read is answered with a problem document.
It never looks at bodies: their bounds are the application's. One timer for each connection sees to
it that an idle one is closed; uvicorn starts and cancels one for each request.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tarmac_kit import problems
from tarmac_kit.cycle import Cycle
from tarmac_kit.joined_writes import JoinedWrites

#: What comes after a refusal is thrown away for so long, so that the caller can read it.
_LINGER_S = 1.0


class BoundedProtocol(HttpToolsProtocol):
    """A connection; the two bounds are attributes for tests."""

    #: Request line and headers together; a proxy's usual bound is 8 to 64 KiB.
    max_head_bytes = 65_536
    #: From a head's first byte to its last.
    head_timeout_s = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Bytes since the last end of a head, piece of a body, or end of a message.
        self._taken = 0
        self._too_large = False
        self._wrong_hosts = False
        self._refused = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        #: Since when nothing is asked; None while something is.
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Close a connection that says nothing: uvicorn does so only after a first request."""
        super().connection_made(JoinedWrites(transport, self.loop))
        self._idle_since = self.loop.time()
        self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._close_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._came_on()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and mind what did not end a head or bring a piece of a body."""
        if self._refused:
            return
        self._idle_since = None
        self._taken += len(data)
        super().data_received(data)
        if self.cycle is not None and self.cycle.response_complete:
            # It goes on with a body whose answer is there: nothing else waits for its end.
            self._idle_since = self.loop.time()
        if self._taken and not self._refused and not self.transport.is_closing():
            if self._taken > self.max_head_bytes:
                self._too_large = True
                self.send_400_response("")
            elif self._head_timer is None:
                self._head_timer = self.loop.call_later(self.head_timeout_s, self._give_up)

    def on_message_begin(self) -> None:
        """Begin a head; it may follow a message's end in the same piece of data."""
        self._taken = self._taken or 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head came whole and too large at once."""
        if self._taken > self.max_head_bytes:
            sizes = (len(name) + len(value) + 4 for name, value in self.headers)
            if len(self.url) + sum(sizes) > self.max_head_bytes:
                self._too_large = True
                raise ValueError("the head is too large")  # the parser's end; uvicorn asks for 400
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            self._wrong_hosts = True
            raise ValueError("not one Host")  # RFC 9112, section 3.2
        self._came_on()
        self._begin()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._came_on()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the message."""
        self._came_on()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request of a pipeline, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, and close; uvicorn calls it for whatever cannot be parsed."""
        if self.cycle is None or self.cycle.response_complete or self._is_own_body():
            detail = f"at most {self.max_head_bytes} bytes" if self._too_large else msg
            detail = "send one Host header" if self._wrong_hosts else detail
            answer = problems.from_status(431 if self._too_large else 400, detail).response()
            status = f"{answer.status_code} {HTTPStatus(answer.status_code).phrase}"
            headers = [
                *self.server_state.default_headers,
                *answer.raw_headers,
                (b"connection", b"close"),
            ]
            lines = [b"HTTP/1.1 " + status.encode(), *(b"%b: %b" % header for header in headers)]
            self.transport.write(b"\r\n".join((*lines, b"", bytes(answer.body))))
            # Closed at once with bytes unread, the kernel would reset and the answer be lost.
            self.transport.write_eof()
            self.loop.call_later(_LINGER_S, self.transport.close)
            self._refused = True
            if self.cycle is not None:  # the rest of its body does not come
                self.cycle.disconnected = True
                self.cycle.message_event.set()
        else:  # the answer before it is not finished: nothing may interrupt it
            self.transport.close()

    def _is_own_body(self) -> bool:
        """Tell whether what cannot be read is the body of the one request that is in flight."""
        cycle = self.cycle
        is_its_body = cycle.more_body and not cycle.response_started and not self.pipeline
        return is_its_body and not self._too_large

    def _begin(self) -> None:
        """Have the request answered: now, or behind the one that is in flight."""
        version = self.parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before = self.cycle
        self.cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _close_idle(self) -> None:
        """Close a connection that was idle for the time; look again when it would be otherwise."""
        wait_s = float(self.timeout_keep_alive)
        if self._idle_since is not None:
            wait_s -= self.loop.time() - self._idle_since
        if wait_s > 0 or self._idle_since is None:
            self._idle_timer = self.loop.call_later(max(wait_s, 0.1), self._close_idle)
        else:
            self.timeout_keep_alive_handler()

    def _came_on(self) -> None:
        self._taken = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:  # a pipelined head waits behind the request in flight, which is answered first
            self._head_timer = self.loop.call_later(self.head_timeout_s, self._give_up)
