"""Requests through a running gateway to backends that behave well, badly or not at all."""

from __future__ import annotations

import asyncio
import io
import json
import os
import tracemalloc
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web
from echoing import echo, seen

from tarmac_gateway.upstream import Backend
from tarmac_kit_testing import FakeClock


async def test_a_request_reaches_its_backend_with_path_query_and_body_untouched(world, bearer):
    await world.backend("order-service", echo)
    url = await world.gateway()
    target = aiohttp.client.URL(f"{url}/api/orders/a%20b?x=%2F+&&y=%zz&z=~'", encoded=True)
    async with world.client.post(target, data=b'{"a":1}', headers=bearer) as response:
        answer = json.loads(await response.read())
    assert response.status == 200
    assert answer["target"] == "/orders/a%20b?x=%2F+&&y=%zz&z=~'"
    assert answer["method"] == "POST"
    assert answer["body"] == '{"a":1}'


async def test_a_backend_is_told_who_asks_for_how_long_and_in_which_trace(world, bearer):
    await world.backend("order-service", echo)
    url = await world.gateway(ORDER_SERVICE_TIMEOUT_S="1.5")
    parent = "00-11111111111111111111111111111111-2222222222222222-01"
    lies = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil", "Forwarded": "for=6.6.6.6"}
    async with world.client.get(
        f"{url}/api/orders", headers={**bearer, **lies, "traceparent": parent}
    ) as response:
        answer = json.loads(await response.read())
    assert seen(answer, "x-forwarded-for") == ["127.0.0.1"]
    assert seen(answer, "x-forwarded-host") == [url.removeprefix("http://")]
    assert seen(answer, "x-forwarded-proto") == ["http"]
    assert seen(answer, "forwarded") == []
    assert seen(answer, "authorization") == [bearer["Authorization"]]
    [told_ms] = seen(answer, "x-request-timeout-ms")
    assert 1000 < int(told_ms) <= 1500
    [trace] = seen(answer, "traceparent")
    assert trace.split("-")[1] == "1" * 32
    assert seen(answer, "x-request-id") == ["1" * 32]
    assert response.headers["X-Request-Id"] == "1" * 32


async def test_an_answer_comes_back_with_its_status_its_headers_and_its_encoding(world, bearer):
    async def handler(_request: web.Request) -> web.Response:
        response = web.Response(status=418, body=b"\x1f\x8bzip")
        response.headers["Content-Encoding"] = "gzip"
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        response.headers["Server"] = "secret/1.0"
        response.headers["Location"] = "/orders/7"
        return response

    await world.backend("order-service", handler)
    url = await world.gateway()
    async with world.client.get(f"{url}/api/orders", headers=bearer) as response:
        assert await response.read() == b"\x1f\x8bzip"
    assert response.status == 418
    assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers["Location"] == "/api/orders/7"
    assert "Server" not in response.headers


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_pass_and_the_connection_goes_on(world, bearer, status):
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"ETag": '"1"'})

    await world.backend("order-service", handler)
    url = await world.gateway()
    for _ in range(2):
        async with world.client.get(f"{url}/api/orders", headers=bearer) as response:
            assert await response.read() == b""
        assert response.status == status


async def test_head_brings_the_length_without_the_body(world, bearer):
    await world.backend("order-service", echo)
    url = await world.gateway()
    async with world.client.head(f"{url}/api/orders", headers=bearer) as response:
        assert response.status == 200
        assert int(response.headers["Content-Length"]) > 0
        assert await response.read() == b""


async def test_the_first_chunk_of_a_body_arrives_before_the_last_is_sent(world, bearer):
    arrived = asyncio.Event()
    received = []

    async def handler(request: web.Request) -> web.Response:
        async for chunk in request.content.iter_any():
            received.append(chunk)
            arrived.set()
        return web.Response(text="".join(part.decode() for part in received))

    await world.backend("order-service", handler)
    url = await world.gateway()

    async def body():
        yield b"first "
        await asyncio.wait_for(arrived.wait(), 5)
        yield b"last"

    async with world.client.post(f"{url}/api/orders", data=body(), headers=bearer) as response:
        assert await response.text() == "first last"
    assert received[0] == b"first "


async def test_the_first_chunk_of_an_answer_arrives_before_the_last_is_sent(world, bearer):
    arrived = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first ")
        await asyncio.wait_for(arrived.wait(), 5)
        await response.write(b"last")
        return response

    await world.backend("order-service", handler)
    url = await world.gateway()
    async with world.client.get(f"{url}/api/orders", headers=bearer) as response:
        assert await response.content.readany() == b"first "
        arrived.set()
        assert await response.content.read() == b"last"


async def test_fifty_megabytes_pass_both_ways_in_flat_memory(world, bearer):
    total = 50 * 1024 * 1024

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk)
        return response

    await world.backend("order-service", handler)
    url = await world.gateway(MAX_BODY_BYTES=str(total), BODY_IDLE_TIMEOUT_S="5")
    block = os.urandom(256 * 1024)

    async def body():
        for _ in range(total // len(block)):
            yield block

    async def through() -> int:
        got = 0
        async with world.client.post(f"{url}/api/orders", data=body(), headers=bearer) as response:
            async for chunk in response.content.iter_any():
                got += len(chunk)
        return got

    tracemalloc.start()
    try:
        assert await through() == total
        peak_mib = tracemalloc.get_traced_memory()[1] / 1024 / 1024
    finally:
        tracemalloc.stop()
    # Client, gateway and backend share this process: gathered once anywhere it would be 50.
    assert peak_mib < 10


async def test_a_dead_backend_is_502_at_once(world, bearer):
    url = await world.gateway(ORDER_SERVICE_TIMEOUT_S="5")
    began = asyncio.get_running_loop().time()
    async with world.client.get(f"{url}/api/orders", headers=bearer) as response:
        problem = json.loads(await response.read())
    assert response.status == 502
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["code"] == "upstream_unavailable"
    assert problem["instance"] == "/api/orders"
    assert problem["trace_id"] == response.headers["X-Request-Id"]
    assert asyncio.get_running_loop().time() - began < 4.5


async def test_a_slow_backend_is_504_within_the_deadline_and_is_cancelled(world, bearer):
    cancelled = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return web.Response()

    await world.backend("order-service", handler, handler_cancellation=True)
    url = await world.gateway(ORDER_SERVICE_TIMEOUT_S="0.2")
    began = asyncio.get_running_loop().time()
    async with world.client.post(f"{url}/api/orders", data=b"{}", headers=bearer) as response:
        problem = json.loads(await response.read())
    took_s = asyncio.get_running_loop().time() - began
    assert (response.status, problem["code"]) == (504, "upstream_timeout")
    assert 0.15 < took_s < 20
    await asyncio.wait_for(cancelled.wait(), 60)


async def test_a_client_that_goes_away_cancels_the_request_to_the_backend(world, bearer):
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        began.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return web.Response()

    await world.backend("order-service", handler, handler_cancellation=True)
    url = await world.gateway(ORDER_SERVICE_TIMEOUT_S="20")
    asking = asyncio.create_task(world.client.get(f"{url}/api/orders", headers=bearer).__aenter__())
    await asyncio.wait_for(began.wait(), 5)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(cancelled.wait(), 5)
    assert cancelled.is_set()


async def test_a_client_that_leaves_in_the_middle_of_its_body_ends_the_upstream_request(
    world, bearer
):
    began, ended = asyncio.Event(), asyncio.Event()
    failure: list[BaseException] = []

    async def handler(request: web.Request) -> web.Response:
        try:
            async for _ in request.content.iter_any():
                began.set()
        except BaseException as error:
            failure.append(error)
            raise
        finally:
            ended.set()
        return web.Response()

    await world.backend("order-service", handler)
    url = await world.gateway()

    async def body():
        yield b"part"
        await asyncio.sleep(30)

    asking = asyncio.create_task(
        world.client.post(f"{url}/api/orders", data=body(), headers=bearer).__aenter__()
    )
    await asyncio.wait_for(began.wait(), 5)
    asking.cancel()
    await asyncio.wait_for(ended.wait(), 5)
    assert failure  # the backend saw a broken request, never a whole one


async def test_a_backend_that_breaks_off_leaves_a_broken_answer_not_a_short_one(world, bearer):
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    await world.backend("order-service", handler)
    url = await world.gateway()
    with pytest.raises(aiohttp.ClientPayloadError):
        async with world.client.get(f"{url}/api/orders", headers=bearer) as response:
            await response.read()
    assert response.status == 200


async def test_an_answer_that_falls_silent_is_broken_off(world, bearer):
    hang = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        await hang.wait()
        return response

    await world.backend("order-service", handler)
    url = await world.gateway(BODY_IDLE_TIMEOUT_S="0.2")
    with pytest.raises(aiohttp.ClientPayloadError):
        async with world.client.get(f"{url}/api/orders", headers=bearer) as response:
            await response.read()
    hang.set()


class Flaky:
    """A TCP server that drops its first connections after reading the request."""

    def __init__(self, drops: int) -> None:
        self.drops = drops
        self.requests = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        if self.requests > self.drops:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            with suppress(ConnectionError):
                await writer.drain()
        writer.close()


@pytest.mark.parametrize(
    "case",
    [
        ("GET", None, 200, 2),
        ("HEAD", None, 200, 2),
        ("POST", b"{}", 502, 1),
        ("GET", b"{}", 502, 1),
    ],
)
async def test_only_get_and_head_without_a_body_are_repeated_after_a_connection_error(
    world, bearer, case
):
    method, data, status, requests = case
    flaky = Flaky(drops=1)
    server = await asyncio.start_server(flaky, "127.0.0.1", 0)
    world.environ["ORDER_SERVICE_URL"] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    url = await world.gateway()
    async with world.client.request(
        method, f"{url}/api/orders", data=data, headers=bearer
    ) as response:
        await response.read()
    server.close()
    await server.wait_closed()
    assert (response.status, flaky.requests) == (status, requests)


async def test_attempts_and_repetitions_are_counted_by_backend_and_outcome(world, bearer):
    async def handler(_request: web.Request) -> web.Response:
        return web.Response()

    await world.backend("order-service", handler)
    url = await world.gateway()
    for path in ("/api/orders", "/api/products"):  # of products there is none
        async with world.client.get(f"{url}{path}", headers=bearer) as response:
            await response.read()
    async with world.client.get(f"{url}/metrics") as response:
        told = set((await response.text()).splitlines())
    order, product = ('role="order-service"', 'role="product-service"')
    assert {
        f'client_requests_total{{outcome="2xx",{order},service="api-gateway"}} 1.0',
        f'client_requests_total{{outcome="error",{product},service="api-gateway"}} 2.0',
        f'client_retries_total{{result="made",{product},service="api-gateway"}} 1.0',
    } <= told, [line for line in told if line.startswith("client_")]


async def test_a_declared_body_beyond_the_limit_is_413_before_it_is_read(world, bearer):
    async def handler(_request: web.Request) -> web.Response:
        raise AssertionError("the backend must not be asked")

    await world.backend("order-service", handler)
    url = await world.gateway(MAX_BODY_BYTES="10")
    async with world.client.post(f"{url}/api/orders", data=b"x" * 11, headers=bearer) as response:
        assert (response.status, json.loads(await response.read())["code"]) == (
            413,
            "body_too_large",
        )


async def test_a_chunked_body_that_grows_beyond_the_limit_is_413(world, bearer):
    whole = []

    async def handler(request: web.Request) -> web.Response:
        whole.append(await request.read())
        return web.Response()

    await world.backend("order-service", handler)
    url = await world.gateway(MAX_BODY_BYTES="100000")

    async def body():
        for _ in range(20):
            yield b"x" * 10_000

    async with world.client.post(f"{url}/api/orders", data=body(), headers=bearer) as response:
        assert response.status == 413
    assert whole == []


async def test_a_body_that_does_not_arrive_is_408(world, bearer):
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    await world.backend("order-service", handler)
    url = await world.gateway(ORDER_SERVICE_TIMEOUT_S="0.2")
    never = asyncio.Event()

    async def body():
        yield b"part"
        await never.wait()

    async with world.client.post(f"{url}/api/orders", data=body(), headers=bearer) as response:
        assert response.status == 408


async def test_a_backend_may_answer_before_it_has_read_the_body(world, bearer):
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=403, text="no")

    await world.backend("order-service", handler)
    url = await world.gateway(MAX_BODY_BYTES="5000000")
    async with world.client.post(
        f"{url}/api/orders", data=io.BytesIO(b"x" * 3_000_000), headers=bearer
    ) as response:
        assert (response.status, await response.text()) == (403, "no")


async def test_a_redirect_is_handed_on_and_not_followed(world, bearer):
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "https://pay.example.com/x"})

    await world.backend("order-service", handler)
    url = await world.gateway()
    async with world.client.get(
        f"{url}/api/orders", headers=bearer, allow_redirects=False
    ) as response:
        assert response.status == 307
        assert response.headers["Location"] == "https://pay.example.com/x"


async def test_connections_to_a_backend_are_renewed_by_age(world, bearer, monkeypatch):
    peers, clock = set(), FakeClock()
    monkeypatch.setattr(
        "tarmac_gateway.app.make_backends",
        lambda addresses, max_age_s: {
            name: Backend(address, max_age_s, clock) for name, address in addresses.items()
        },
    )

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response()

    await world.backend("order-service", handler)
    url = await world.gateway(CONNECTION_MAX_AGE_S="60")
    for _ in range(4):
        async with world.client.get(f"{url}/api/orders", headers=bearer):
            pass
    assert len(peers) == 1
    clock.advance(67)  # a tenth of it is chance
    async with world.client.get(f"{url}/api/orders", headers=bearer):
        pass
    assert len(peers) == 2
