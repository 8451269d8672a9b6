"""The bounds on a request's head, over raw sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from tarmac_kit.protocol import BoundedProtocol

pytestmark = pytest.mark.servers


class Quick(BoundedProtocol):
    head_timeout_s = 0.2


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(60):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, body

    async def closed(self) -> bool:
        """Wait for the end; say whether nothing came before it."""
        async with asyncio.timeout(60):
            return await self.reader.read() == b""


async def echo(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """Answer the body's length, after what `/slow/SECONDS` says; `/early` before it is there."""
    size = 0
    more = scope["path"] != "/early"
    while more:
        event = await receive()
        size += len(event.get("body", b""))
        more = event.get("more_body", False)
    if scope["path"].startswith("/slow/"):
        await asyncio.sleep(float(scope["path"].removeprefix("/slow/")))
    body = str(size).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(
    protocol: type[BoundedProtocol] = BoundedProtocol, **options: Any
) -> AsyncIterator[Callable[[], Any]]:
    config = uvicorn.Config(echo, log_config=None, access_log=False, lifespan="off", **options)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    opened: list[asyncio.StreamWriter] = []

    async def connect() -> Connection:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        opened.append(writer)
        return Connection(reader, writer)

    try:
        yield connect
    finally:
        server.close()
        for writer in opened:
            writer.close()
        for connection in list(state.connections):
            connection.transport.abort()  # type: ignore[union-attr]
        await asyncio.gather(*state.tasks, return_exceptions=True)


GET = b"GET / HTTP/1.1\r\nhost: h\r\n"


async def test_a_head_within_the_bound_is_served_however_it_is_cut() -> None:
    head = GET + b"".join(b"x-%d: %b\r\n" % (i, b"v" * 1000) for i in range(60)) + b"\r\n"
    assert 60_000 < len(head) < 65_536
    drawn = random.Random(4)
    async with serving() as connect:
        for pieces in (1, 2, 7, 40):
            connection = await connect()
            cuts = sorted(drawn.sample(range(1, len(head)), pieces - 1))
            for start, end in zip([0, *cuts], [*cuts, len(head)], strict=True):
                await connection.send(head[start:end])
                await asyncio.sleep(0)
            for _ in range(2):  # the connection goes on
                assert (await connection.answer())[0] == 200
                await connection.send(head)


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("size", [66_000, 150_000])
async def test_a_larger_head_is_431_and_the_end(ended: bool, many: bool, size: int) -> None:
    if many:
        filling = b"".join(b"x-%d: v\r\n" % i for i in range(size // 8))
    else:
        filling = b"x: " + b"v" * size
    async with serving() as connect:
        connection = await connect()
        await connection.send(GET + filling + (b"\r\n\r\n" if ended else b""))
        status, headers, body = await connection.answer()
        assert (status, headers["content-type"]) == (431, "application/problem+json")
        assert headers["connection"] == "close"
        assert json.loads(body)["code"] == "request_header_fields_too_large"
        assert await connection.closed()


@pytest.mark.parametrize("hosts", ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n"])
async def test_a_request_without_one_host_is_400_and_the_end(hosts: str) -> None:
    async with serving() as connect:
        connection = await connect()
        await connection.send(f"GET / HTTP/1.1\r\n{hosts}\r\n".encode())
        status, _, body = await connection.answer()
        assert (status, json.loads(body)["detail"]) == (400, "send one Host header")
        assert await connection.closed()


async def test_a_client_of_http_1_0_needs_no_host() -> None:
    async with serving() as connect:
        connection = await connect()
        await connection.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await connection.answer())[0] == 200


async def test_a_malformed_chunk_is_400_and_the_end() -> None:
    async with serving() as connect:
        connection = await connect()
        head = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
        await connection.send(head + b"1\r\nb\r\n")
        await asyncio.sleep(0.05)
        await connection.send(b"not a size\r\n")
        assert (await connection.answer())[0] == 400
        assert await connection.closed()


async def test_a_malformed_chunk_behind_a_request_in_hand_is_no_answer_to_that() -> None:
    async with serving() as connect:
        connection = await connect()
        head = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
        await connection.send(b"GET /slow/0.5 HTTP/1.1\r\nhost: h\r\n\r\n" + head + b"no\r\n")
        assert await connection.closed()


async def test_a_long_target_counts_as_well() -> None:
    async with serving() as connect:
        connection = await connect()
        await connection.send(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: h\r\n\r\n")
        assert (await connection.answer())[0] == 431


async def test_a_large_body_after_a_small_head_is_not_a_large_head() -> None:
    body = b"b" * 300_000
    async with serving() as connect:
        connection = await connect()
        head = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 300000\r\n\r\n"
        await connection.send(head + body)
        assert (await connection.answer())[2] == b"300000"
        chunked = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
        await connection.send(chunked + b"493e0\r\n" + body + b"\r\n0\r\n\r\n")
        assert (await connection.answer())[2] == b"300000"


async def test_what_follows_the_last_chunk_is_bounded() -> None:
    async with serving() as connect:
        connection = await connect()
        await connection.send(b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
        await connection.send(b"1\r\nb\r\n0\r\n")
        sent = 0
        while sent < 50_000_000 and not connection.writer.transport.is_closing():
            with contextlib.suppress(OSError):
                await connection.send(b"x: " + b"v" * 50_000 + b"\r\n")
            sent += 50_000
            await asyncio.sleep(0)
        assert sent < 5_000_000


async def test_a_head_that_never_ends_is_closed_in_time_though_bytes_keep_coming() -> None:
    async with serving(Quick) as connect:
        connection = await connect()
        await connection.send(GET)
        ended = asyncio.create_task(connection.closed())
        while not ended.done():
            connection.writer.write(b"x-more: 1\r\n")
            await asyncio.wait({ended}, timeout=0.02)
        assert ended.exception() is not None or ended.result()


async def test_a_connection_that_says_nothing_is_closed_after_the_keep_alive_time() -> None:
    async with serving(timeout_keep_alive=0) as connect:
        assert await (await connect()).closed()


async def test_a_body_that_stops_after_its_answer_does_not_keep_a_connection() -> None:
    async with serving(timeout_keep_alive=1) as connect:
        connection = await connect()
        head = b"POST /early HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n"
        await connection.send(head)
        assert (await connection.answer())[0] == 200
        await connection.send(b"abc")
        assert await connection.closed()


async def test_an_idle_connection_is_closed_after_its_last_answer_and_a_busy_one_is_not() -> None:
    async with serving(timeout_keep_alive=1) as connect:
        connection = await connect()
        for path in (b"/slow/1.3", b"/"):
            await connection.send(b"GET " + path + b" HTTP/1.1\r\nhost: h\r\n\r\n")
            assert (await connection.answer())[0] == 200
        assert await connection.closed()


async def test_line_ends_alone_do_not_keep_a_connection() -> None:
    async with serving(Quick) as connect:
        connection = await connect()
        await connection.send(GET + b"\r\n")
        assert (await connection.answer())[0] == 200
        await connection.send(b"\r\n")
        assert await connection.closed()


async def test_a_slow_handler_and_a_slow_body_are_not_the_heads_time() -> None:
    async with serving(Quick) as connect:
        connection = await connect()
        await connection.send(b"POST /slow/0.3 HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\na")
        await asyncio.sleep(0.3)
        await connection.send(b"b")
        assert (await connection.answer())[2] == b"2"


async def test_half_a_head_behind_a_request_in_hand_waits_for_its_answer() -> None:
    async with serving(Quick) as connect:
        connection = await connect()
        await connection.send(b"GET /slow/0.5 HTTP/1.1\r\nhost: h\r\n\r\n" + b"GET / HT")
        assert (await connection.answer())[0] == 200
        assert await connection.closed()


async def test_what_is_no_http_is_400_as_a_problem() -> None:
    async with serving() as connect:
        connection = await connect()
        await connection.send(b"\x16\x03\x01 hello\r\n\r\n")
        status, headers, body = await connection.answer()
        assert (status, headers["content-type"]) == (400, "application/problem+json")
        assert json.loads(body)["detail"] == "Invalid HTTP request received."
        assert await connection.closed()


async def test_nonsense_behind_a_request_in_hand_is_not_answered_in_its_midst() -> None:
    async with serving() as connect:
        connection = await connect()
        await connection.send(b"GET /slow/0.2 HTTP/1.1\r\nhost: h\r\n\r\n\x16\x03\x01\r\n\r\n")
        assert await connection.closed()
