"""The proxy: one request to one backend and its answer back, streamed both ways.

Called by edge.py for a request that may pass. It decides nothing about permissions: it moves
bytes, keeps the deadline and says 502 or 504 where a backend does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import NamedTuple

from starlette.types import Receive, Send

from tarmac_gateway import headers as http_headers
from tarmac_gateway.body import BodyAbortedError, Outcome, RequestBody, disconnected
from tarmac_gateway.connection import Connection, NoAnswerError, UpstreamError
from tarmac_gateway.domain import Match
from tarmac_gateway.headers import RawHeaders
from tarmac_gateway.streams import Streams
from tarmac_gateway.upstream import REPEATABLE, Backend
from tarmac_gateway.watch import Watch
from tarmac_kit.conventions import CALLER_HEADER, DEADLINE_HEADER
from tarmac_kit.limits import too_large
from tarmac_kit.logs import get_logger
from tarmac_kit.middleware import is_event_stream
from tarmac_kit.problems import Problem

log = get_logger("tarmac_gateway.proxy")

#: What it takes to tell a caller that its time is over.
ANSWER_S = 0.01

_BODILESS = frozenset({204, 304})
_DEADLINE = DEADLINE_HEADER.lower().encode()
_CALLER = CALLER_HEADER.lower().encode()
#: From when on it is noticed that a client without a body to send has gone. Nearly every answer is
#: there before, and a task for each request would take as long as the request's parsing.
_LOOK_S = 0.02


class Passage(NamedTuple):
    """A request that may pass: what is asked, by which user, and where it goes."""

    method: str
    match: Match
    query: bytes
    headers: RawHeaders
    added: RawHeaders
    #: Seconds that the caller still waits, or None when it does not say.
    caller_s: float | None


#: Counts an attempt, or a repetition: of which backend, and how it ended.
Count = Callable[[str, str], None]


class _BrokenOffError(Exception):
    """The backend ended its answer before the end; the client must see a broken answer."""


class Proxy:
    """Forwards passages to `backends`."""

    def __init__(
        self,
        backends: Mapping[str, Backend],
        *,
        max_body_bytes: int,
        body_idle_timeout_s: float,
        streams: Streams,
        count: Count = lambda _backend, _outcome: None,
        count_retry: Count = lambda _backend, _result: None,
    ) -> None:
        self._backends = backends
        self._counts = (count, count_retry)
        self._max_body_bytes = max_body_bytes
        self._body_idle_timeout_s = body_idle_timeout_s
        self._streams = streams
        #: The one that serves; asking which it is, is a system call.
        self._loop: asyncio.AbstractEventLoop | None = None

    async def forward(self, passage: Passage, receive: Receive, send: Send) -> None:
        """Send the request on and its answer back.

        Raises Problem while nothing of the answer was sent: 413, 408, 502 or 504. A backend that
        breaks off later leaves the answer incomplete, which the server shows as a closed
        connection. A client that goes away cancels the upstream request.
        """
        length, has_body = _body_said(passage.headers)
        if length > self._max_body_bytes:
            raise too_large(self._max_body_bytes)
        loop = self._loop = self._loop or asyncio.get_running_loop()
        exchange = _Exchange(
            loop,
            self._backends[passage.match.route.service],
            passage,
            idle_s=self._body_idle_timeout_s,
            streams=self._streams,
            counts=self._counts,
        )
        body = None
        if has_body:
            body = RequestBody(
                receive, limit_bytes=self._max_body_bytes, on_progress=exchange.on_upload_progress
            )
        watch = exchange.watch = Watch(
            loop,
            partial(disconnected, receive) if body is None else body.disconnected,
            ends_at=exchange.ends_at(),
            look_s=_LOOK_S if body is None else 0.0,
        )
        try:
            await exchange.run(body, send)
        except asyncio.CancelledError:
            # Ours, unless another task cancelled this one as well.
            if not watch.has_stopped():
                raise
            if body is not None and body.outcome is Outcome.TOO_LARGE and not exchange.started:
                raise too_large(self._max_body_bytes) from None
        except Exception as error:
            if body is not None and body.outcome is Outcome.TOO_LARGE and not exchange.started:
                raise too_large(self._max_body_bytes) from None
            has_gone = watch.is_gone if body is None else body.outcome is Outcome.GONE
            if has_gone:  # nothing is left to be told
                return
            if not isinstance(error, _BrokenOffError):
                raise
            service = passage.match.route.service
            log.warning("upstream_broke_off", upstream=service, reason=str(error))
        finally:
            watch.end()


class _Exchange:
    """One request and answer with a backend."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        backend: Backend,
        passage: Passage,
        *,
        idle_s: float,
        streams: Streams,
        counts: tuple[Count, Count],
    ) -> None:
        self._streams = streams
        self._count, self._count_retry = counts
        self._backend = backend
        self._passage = passage
        self._idle_s = idle_s
        #: Given before `run`.
        self.watch: Watch
        self._now = loop.time
        timeout_s, caller_s = backend.address.timeout_s, passage.caller_s
        self._allowed_s = timeout_s if caller_s is None else min(timeout_s, caller_s)
        # A moment before the caller's own end, so that it still hears why.
        self._caller_ends = None if caller_s is None else self._now() + caller_s - ANSWER_S
        self.started = False

    async def run(self, body: RequestBody | None, send: Send) -> None:
        address = self._backend.address
        attempts = 1
        if self._passage.method in REPEATABLE and body is None:
            attempts += address.retries
        try:
            while True:
                attempts -= 1
                try:
                    await self._attempt(body, send)
                    return
                except NoAnswerError as error:
                    if attempts == 0 or self.started:
                        raise
                    self._count_retry(address.service, "made")
                    log.info("upstream_retry", upstream=address.service, reason=_reason(error))
        except asyncio.CancelledError:
            if not self.watch.is_late or not self.watch.has_stopped():
                raise
            if self.started:
                raise _BrokenOffError("no byte within the idle timeout") from None
            if body is not None and body.waiting and body.outcome is Outcome.OPEN:
                raise Problem(
                    408, "body_too_slow", "The body did not arrive in time", "send it without pause"
                ) from None
            self._count(address.service, "timeout")
            raise Problem(
                504,
                "upstream_timeout",
                "A service did not answer in time",
                f"{address.service} had {self._allowed_s:.3g} s",
            ) from None
        except (UpstreamError, BodyAbortedError, OSError) as error:
            if self.started:
                raise _BrokenOffError(_reason(error)) from error
            log.warning("upstream_failed", upstream=address.service, reason=_reason(error))
            raise Problem(
                502,
                "upstream_unavailable",
                "A service is not answering",
                f"{address.service} cannot be reached now; try again in a moment",
                headers={"Retry-After": "1"},
            ) from error

    def on_upload_progress(self) -> None:
        """Move the deadline on while a body is still coming in."""
        if not self.started:
            self.watch.move(self.ends_at())

    def ends_at(self) -> float:
        """Tell when the answer's head has to be there, counted from now."""
        ends = self._now() + self._backend.address.timeout_s
        return ends if self._caller_ends is None else min(ends, self._caller_ends)

    async def _attempt(self, body: RequestBody | None, send: Send) -> None:
        passage = self._passage
        left_ms = max(1, int((self.watch.ends_at - self._now()) * 1000))
        outgoing = http_headers.for_backend(passage.headers)
        outgoing += passage.added
        outgoing.append((_DEADLINE, b"%d" % left_ms))
        if (token := self._backend.address.caller_token()) is not None:
            outgoing.append((_CALLER, token.encode()))
        service = self._backend.address.service
        try:
            answer = await self._backend.ask(
                passage.method, self._target(), outgoing, None if body is None else body.chunks()
            )
        except UpstreamError:
            self._count(service, "error")
            raise
        try:
            self._count(service, f"{answer.status // 100}xx")
            await self._answer(answer, send)
            if body is not None and body.outcome is not Outcome.COMPLETE:
                # The backend answered before it had read everything: its connection holds the
                # rest of a body and serves no other request.
                answer.close()
        finally:
            self._backend.give_back(answer)

    async def _answer(self, response: Connection, send: Send) -> None:
        match = self._passage.match
        origin = self._backend.address.url
        headers = http_headers.relocated(
            http_headers.for_client(response.headers, bodiless=response.status in _BODILESS),
            match.route.upstream,
            match.route.prefix,
            origin,
        )
        if not is_event_stream(headers):
            is_short = response.is_short
            if not is_short:
                self._keep_idle()
            await self._begin(response.status, headers, send)
            await self._rest(response, send, is_short=is_short)
            return
        self._streams.take()
        try:
            async with aclosing(self._streams.chunks(response)) as chunks:
                self._keep_idle()
                await self._begin(response.status, headers, send)
                async for chunk in chunks:
                    self._keep_idle()
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            response.close()
        finally:
            self._streams.give_back()

    async def _begin(self, status: int, headers: RawHeaders, send: Send) -> None:
        self.started = True
        await send({"type": "http.response.start", "status": status, "headers": headers})

    async def _rest(self, content: Connection, send: Send, *, is_short: bool) -> None:
        more = True
        while more:
            chunk = await content.readany()
            # Mostly all of it is there: then it goes out with its end, not before it.
            more = not content.at_eof()
            if not is_short:
                self._keep_idle()
            await send({"type": "http.response.body", "body": chunk, "more_body": more})

    def _keep_idle(self) -> None:
        # From here on only silence ends the exchange: a long download is not a slow backend.
        self.watch.move(self._now() + self._idle_s)

    def _target(self) -> bytes:
        path = self._passage.match.upstream_path.encode("ascii")
        return path + b"?" + self._passage.query if self._passage.query else path


def _body_said(headers: RawHeaders) -> tuple[int, bool]:
    """Return the bytes that a request's head says of its body, and whether it says one."""
    length, has_body = 0, False
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            length = int(value)
            has_body = has_body or length > 0
        elif name == b"transfer-encoding":
            has_body = True
    return length, has_body


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
