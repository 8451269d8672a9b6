"""What a fault does to the requests of a wire, and to how many connections it takes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest
from wired import EDGE, TICKS_S, Handler, Process, Reader, Writer, connected, echo

GET = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"
LONG_S = 20.0


def disturb(process: Process, **rule: Any) -> dict[str, float]:
    """Put a rule on the edge, or none, and return what was done so far."""
    process.tell({"op": "disturb", "id": EDGE, "rule": rule or None})
    return process.count()[EDGE].get("effect", {})


def answering(heard: list[bytes], body: bytes = b"hello") -> Handler:
    """Make a server that answers each request, by its length, with the same body."""

    async def handle(reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                heard.append(await reader.readuntil(b"\r\n\r\n"))
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)

    return handle


async def answer(reader: Reader, *, bodiless: bool = False) -> tuple[int, bytes]:
    """Read one answer: its status and its body."""
    async with asyncio.timeout(LONG_S):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
        body = b"" if bodiless else await reader.readexactly(int(length.split()[1]))
    return int(head.split()[1]), body


@pytest.fixture
def heard() -> list[bytes]:
    """What arrived at the service."""
    return []


@pytest.fixture
async def port(process, serve, heard) -> int:
    return process.wire((await serve(answering(heard)))())


async def test_a_request_is_answered_in_the_service_s_place_and_the_connection_lives_on(
    process, port, heard
):
    async with connected(port) as (reader, writer):
        writer.write(GET)
        assert await answer(reader) == (200, b"hello")
        disturb(process, error_share=1, error_status=502)
        for _ in range(2):
            writer.write(GET)
            assert (await answer(reader))[0] == 502
        assert disturb(process)["answered"] == 2
        writer.write(GET)
        assert await answer(reader) == (200, b"hello")
    assert len(heard) == 2


@pytest.mark.parametrize(
    ("pieces", "last", "bodiless"),
    [
        (
            [b"POST / HTTP/1.1\r\nHo", b"st: b\r\nContent-Length: 8\r\n\r\nGET ", b"/ HT"],
            False,
            False,
        ),
        (
            [
                b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"3\r\nabc\r\n",
                b"0\r\n\r\n",
            ],
            False,
            False,
        ),
        ([b"HEAD / HTTP/1.1\r\nHost: b\r\n\r\n"], False, True),
        ([b"GET / HTTP/1.0\r\n\r\n"], True, False),
        ([b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"], True, False),
    ],
    ids=["pieces", "chunked", "head", "old", "expects"],
)
async def test_nothing_of_such_a_request_arrives_whatever_its_form(
    process, port, heard, pieces, last, bodiless
):
    disturb(process, error_share=1)
    async with connected(port) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            process.count()  # it has gone there on its own
        assert (await answer(reader, bodiless=bodiless))[0] == 503
        if last:
            assert await reader.read(1) == b""
        else:
            disturb(process)
            writer.write(GET)
            assert await answer(reader) == (200, b"hello")
    assert heard == ([] if last else [GET])
    assert process.count()[EDGE]["effect"]["answered"] == 1


async def test_no_answer_overtakes_one_that_the_service_still_owes(process, serve):
    arrived, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                arrived.set()
                await goes_on.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    port = process.wire((await serve(slow))())
    disturb(process, error_share=1e-12)
    async with connected(port) as (reader, writer):
        writer.write(GET)
        await arrived.wait()
        disturb(process, error_share=1)
        writer.write(GET)
        process.count()
        goes_on.set()
        assert [await answer(reader) for _ in range(2)] == [(200, b"")] * 2


async def test_only_a_share_of_the_requests_is_answered_and_each_answer_is_its_request_s(
    process, port, heard
):
    disturb(process, error_share=0.5)
    async with connected(port) as (reader, writer):
        statuses = []
        for _ in range(60):
            writer.write(GET)
            statuses.append((await answer(reader))[0])
    assert 10 < statuses.count(503) < 50  # outside: once in ten million runs
    assert statuses.count(200) == len(heard) == 60 - disturb(process)["answered"]


async def test_what_is_answered_here_is_counted_with_its_status(process, port):
    process.tell({"op": "inspect", "on": True})
    disturb(process, error_share=1, error_status=429)
    async with connected(port) as (reader, writer):
        writer.write(GET)
        assert (await answer(reader))[0] == 429
    assert process.count()[EDGE]["requests"] == {"GET 429": 1}


@pytest.mark.parametrize("said", [b"\x00\x01 SELECT 1", b"GET \x00 no request\r\n\r\n"])
@pytest.mark.parametrize("rule", [{"error_share": 1}, {"body_bytes_per_s": 1}])
async def test_what_is_no_http_goes_on_as_it_came(process, serve, rule, said):
    port = process.wire((await serve(echo))())
    disturb(process, **rule)
    async with connected(port) as (reader, writer):
        writer.write(said)
        async with asyncio.timeout(LONG_S):
            assert await reader.readexactly(len(said)) == said
    assert not disturb(process)["answered"]


async def test_a_head_comes_at_once_and_its_body_bit_by_bit(process, serve, heard):
    body = random.Random(3).randbytes(100)
    port = process.wire((await serve(answering(heard, body)))())
    disturb(process, body_bytes_per_s=250)
    clock = asyncio.get_running_loop().time
    async with connected(port) as (reader, writer):
        for _ in range(2):
            began = clock()
            writer.write(GET)
            async with asyncio.timeout(LONG_S):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
                first = await reader.readexactly(16)
                assert first + await reader.readexactly(84) == body
            assert clock() - began >= 0.4 - TICKS_S
        effect = disturb(process)
        assert (effect["slowed"], effect["delay_s"] > 0.8 - TICKS_S) == (2, True)
        writer.write(GET)
        assert await answer(reader) == (200, body)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_pieces_an_answer_comes_in_it_arrives_whole(process, serve, seed):
    chance = random.Random(seed)
    said = b"HTTP/1.1 100 Continue\r\n\r\n" + 3 * (
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 "
    )

    async def in_pieces(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        left = said
        while left:
            size = chance.randint(1, 20)
            writer.write(left[:size])
            await writer.drain()
            left = left[size:]

    port = process.wire((await serve(in_pieces))())
    disturb(process, body_bytes_per_s=20_000)
    async with connected(port) as (reader, writer):
        writer.write(GET)
        async with asyncio.timeout(LONG_S):
            assert await reader.read(-1) == said


@pytest.fixture
def made() -> list[Writer]:
    """The connections that the service took."""
    return []


@pytest.fixture
def keeping(made) -> Callable[[Reader, Writer], Any]:
    async def handle(reader: Reader, writer: Writer) -> None:
        made.append(writer)
        await echo(reader, writer)

    return handle


async def test_beyond_its_limit_an_edge_takes_no_connection_and_loses_those_that_it_has(
    process, serve, keeping, made
):
    port = process.wire((await serve(keeping))())
    async with contextlib.AsyncExitStack() as clients:
        ends = [await clients.enter_async_context(connected(port)) for _ in range(3)]
        for reader, writer in ends:
            writer.write(b"a")
            assert await reader.readexactly(1) == b"a"
        disturb(process, max_connections=1)
        await process.counted(open=1)
        with contextlib.suppress(ConnectionResetError):  # as soon as it is made, or once it is read
            async with connected(port) as (reader, _):
                assert await reader.read(1) == b""
        effect = disturb(process)
        assert (effect["refused"], effect["reset"], len(made)) == (1, 2, 3)
        living = 0
        for reader, writer in ends:
            with contextlib.suppress(OSError):
                writer.write(b"b")
                living += await reader.read(1) == b"b"
        assert living == 1
        async with connected(port) as (reader, writer):
            writer.write(b"c")
            assert await reader.readexactly(1) == b"c"
