"""Quotes as they come, passed from the API to a page: the stream of server-sent events, unbuffered.

Built by endpoints.py. It reads no event and keeps none; a page that comes back sends the last id
that it had, and the API goes on from there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from tarmac_kit import Chassis, Problem
from tarmac_web.visit import Site

if TYPE_CHECKING:
    import aiohttp

#: An API that is silent for longer than its heartbeat is gone.
SILENT_S = 45.0
CONNECT_S = 5.0
_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
Symbols = Annotated[str, Query(max_length=600, pattern=r"^[A-Z0-9,]*$")]
LastEventId = Annotated[str | None, Header(pattern=r"^[0-9]{1,20}$")]


@dataclass
class Streams:
    """The streams that this process passes on."""

    site: Site
    chassis: Chassis
    most: int
    open: int = 0
    _session: aiohttp.ClientSession | None = None

    async def begin(
        self, symbols: str, last_id: str | None, visitor: str | None
    ) -> StreamingResponse:
        """Return the answer that passes the API's stream on; Problem when there is none."""
        if self.open >= self.most:
            raise Problem(
                503, "too_many_streams", "Too many pages are live", headers={"Retry-After": "10"}
            )
        self.open += 1
        try:
            answer = await self._ask(symbols, last_id, visitor)
        except BaseException:
            self.open -= 1
            raise
        return StreamingResponse(
            self._passed_on(answer), media_type="text/event-stream", headers=_HEADERS
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(
        self, symbols: str, last_id: str | None, visitor: str | None
    ) -> aiohttp.ClientResponse:
        import aiohttp  # noqa: PLC0415 - 80 ms of import, only where something streams

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(connect=CONNECT_S, sock_read=SILENT_S, total=None),
            )
        headers = {"Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        if visitor is not None:  # for limits that the API counts by it
            headers["X-Forwarded-For"] = visitor
        url = self.site.api.url("/market/stream")
        params = {"symbols": symbols} if symbols else {}
        try:
            answer = await self._session.get(url, params=params, headers=headers)
        except (aiohttp.ClientError, OSError) as error:  # OSError: TimeoutError too
            raise _silent() from error
        if answer.status != 200:
            answer.close()
            raise _silent()
        return answer

    async def _passed_on(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        import aiohttp  # noqa: PLC0415 - as above

        try:
            async for chunk in answer.content.iter_any():
                yield chunk
                if self.chassis.health.draining:
                    return  # the page comes back, to another replica
        except (aiohttp.ClientError, OSError):
            return  # the page comes back by itself
        finally:
            self.open -= 1
            answer.close()


def _silent() -> Problem:
    return Problem(
        503, "no_live_quotes", "There are no live quotes now", headers={"Retry-After": "5"}
    )


def build_router(streams: Streams) -> APIRouter:
    """Build the route over `streams`."""
    router = APIRouter()

    @router.get(
        "/live/quotes",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def live_quotes(
        request: Request, symbols: Symbols = "", last_event_id: LastEventId = None
    ) -> Any:
        """Stream quotes as the market makes them."""
        visitor = streams.site.visit(request).address
        return await streams.begin(symbols, last_event_id, visitor)

    return router
