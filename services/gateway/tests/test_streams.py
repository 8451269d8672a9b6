"""Server-sent events through a running gateway: at once, for long, once, and to a clean end."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from aiohttp import web

STREAM = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}


class Source:
    """A backend that sends what a test gives it, until the test or the reader ends it."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.gone = asyncio.Event()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()

    def send(self, event: bytes) -> None:
        """Send an event; an empty one ends the stream."""
        self._queue.put_nowait(event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        response = web.StreamResponse(headers=STREAM)
        await response.prepare(request)
        try:
            while event := await self._queue.get():
                await response.write(event)
        except (asyncio.CancelledError, ConnectionError):
            self.gone.set()
            raise
        return response


@pytest.fixture
def source() -> Source:
    return Source()


async def test_each_event_passes_when_it_comes_and_not_when_there_are_enough(world, source, bearer):
    await world.backend("order-service", source.handle)
    url = await world.gateway()
    headers = {**bearer, "Last-Event-ID": "41"}
    async with world.client.get(f"{url}/api/orders/stream", headers=headers) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        assert "Content-Length" not in stream.headers
        for number in range(42, 45):
            event = f"id: {number}\ndata: x\n\n".encode()
            source.send(event)
            # The next one is not sent before this one is here.
            assert await asyncio.wait_for(stream.content.readexactly(len(event)), 5) == event
        source.send(b"")
        assert await stream.content.read() == b""
    assert source.requests[0].headers["Last-Event-ID"] == "41"


async def test_a_stream_outlasts_every_deadline_while_its_source_is_alive(world, source, bearer):
    await world.backend("order-service", source.handle)
    url = await world.gateway(ORDER_SERVICE_TIMEOUT_S="0.2", BODY_IDLE_TIMEOUT_S="0.5")
    headers = {**bearer, "X-Request-Timeout-Ms": "200"}
    async with world.client.get(f"{url}/api/orders/stream", headers=headers) as stream:
        for _ in range(6):
            await asyncio.sleep(0.15)  # longer than both deadlines together
            source.send(b": alive\n\n")
            assert await stream.content.readexactly(9) == b": alive\n\n"


async def test_a_source_that_breaks_off_is_not_asked_again(world, bearer):
    asked = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        response = web.StreamResponse(headers=STREAM)
        await response.prepare(request)
        await response.write(b"data: x\n\n")
        assert request.transport is not None
        request.transport.close()
        return response

    await world.backend("order-service", handler)
    url = await world.gateway()
    with pytest.raises(aiohttp.ClientPayloadError):
        async with world.client.get(f"{url}/api/orders/stream", headers=bearer) as stream:
            await stream.content.read()
    assert asked == ["/orders/stream"]


async def test_a_reader_that_leaves_is_no_longer_served(world, source, bearer):
    await world.backend("order-service", source.handle, handler_cancellation=True)
    url = await world.gateway(MAX_STREAMS="1")
    async with world.client.get(f"{url}/api/orders/stream", headers=bearer) as stream:
        source.send(b"data: x\n\n")
        await stream.content.readany()
    await asyncio.wait_for(source.gone.wait(), 5)
    async with world.client.get(f"{url}/api/orders/stream", headers=bearer) as stream:
        assert stream.status == 200  # its place was given back


async def test_one_stream_too_many_is_a_503_and_other_requests_pass(world, source, bearer):
    async def handler(request: web.Request) -> web.StreamResponse:
        return await source.handle(request) if "stream" in request.path else web.json_response({})

    await world.backend("order-service", handler)
    url = await world.gateway(MAX_STREAMS="1")
    async with world.client.get(f"{url}/api/orders/stream", headers=bearer) as stream:
        assert stream.status == 200
        async with world.client.get(f"{url}/api/orders/stream", headers=bearer) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
            assert json.loads(await refused.read())["code"] == "too_many_streams"
        async with world.client.get(f"{url}/api/orders", headers=bearer) as other:
            assert other.status == 200


async def test_streams_end_when_the_gateway_drains_and_their_sources_hear_of_it(
    world, source, bearer
):
    await world.backend("order-service", source.handle, handler_cancellation=True)
    url = await world.gateway()
    async with world.client.get(f"{url}/api/orders/stream", headers=bearer) as stream:
        source.send(b"data: x\n\n")
        await stream.content.readexactly(9)
        world.app.chassis.drain()
        # To the end: a stream that is broken off raises instead.
        assert await asyncio.wait_for(stream.content.read(), 5) == b""
    await asyncio.wait_for(source.gone.wait(), 5)


async def test_a_stream_counts_as_one_request_for_the_rate(world, source, bearer):
    await world.backend("order-service", source.handle)
    url = await world.gateway(RATE_LIMIT_PER_MINUTE="1", RATE_LIMIT_BURST="1")
    async with world.client.get(f"{url}/api/orders/stream", headers=bearer) as stream:
        for _ in range(5):
            source.send(b"data: x\n\n")
            await stream.content.readexactly(9)
        async with world.client.get(f"{url}/api/orders", headers=bearer) as next_one:
            assert next_one.status == 429
