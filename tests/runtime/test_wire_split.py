"""How a wire splits requests between a service and its new version, one by one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from wired import EDGE, Handler, Instance, Process, Reader, Writer, connected, echo

GET = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"
LONG_S = 20.0
NEW = "b.new"


def split(process: Process, share: float, **rule: Any) -> dict[str, Any]:
    """Split the edge's requests from now on; return what came of it so far."""
    process.tell({"op": "split", "id": EDGE, "names": [NEW], "share": share, "rule": rule or None})
    found: dict[str, Any] = process.count()[EDGE]["split"]
    return found


def answering(name: str, most: int = 1000) -> Handler:
    """Make a server that answers each request with its name, once it has its body.

    Args:
        most: it ends a connection after so many.
    """

    async def handle(reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            for _ in range(most):
                head = await reader.readuntil(b"\r\n\r\n")
                if b"Content-Length: " in head:
                    length = head.split(b"Content-Length: ")[1].split(b"\r\n")[0]
                    await reader.readexactly(int(length))
                body = name.encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    return handle


async def answer(reader: Reader) -> tuple[int, str]:
    """Read one answer: its status and its body."""
    async with asyncio.timeout(LONG_S):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
        body = await reader.readexactly(int(length.split()[1]))
    return int(head.split()[1]), body.decode()


async def ask(reader: Reader, writer: Writer, request: bytes = GET) -> tuple[int, str]:
    writer.write(request)
    return await answer(reader)


def statuses(counted: dict[str, Any]) -> dict[str, int]:
    """Say how many requests each version was sent, and what it answered to them."""
    found = {f"{version} sent": counted[version]["sent"] for version in ("stable", "new")}
    for version in ("stable", "new"):
        for kind, many in counted[version]["requests"].items():
            found[f"{version} {kind}"] = many
    return found


@pytest.fixture
async def versions(serve) -> tuple[Instance, Instance]:
    return await serve(answering("old"), "b"), await serve(answering("new"), NEW)


@pytest.fixture
def port(process, versions) -> int:
    old, new = versions
    return process.wire(old(), new())


async def test_of_ten_requests_on_one_connection_one_goes_to_the_new_version(process, port):
    split(process, 0.1)
    async with connected(port) as ends:
        named = [(await ask(*ends))[1] for _ in range(20)]
    assert [number for number, name in enumerate(named, 1) if name == "new"] == [10, 20]
    assert statuses(split(process, 0.1)) == {
        "stable sent": 18,
        "new sent": 2,
        "stable GET 200": 18,
        "new GET 200": 2,
    }


async def test_connections_that_are_open_are_split_and_go_back(process, serve):
    old, new = await serve(answering("old"), "b"), await serve(answering("new", most=3), NEW)
    port = process.wire(old())
    async with connected(port) as ends:
        assert (await ask(*ends))[1] == "old"
        split(process, 0.0)
        process.targets(old(), new())
        assert (await ask(*ends))[1] == "old"
        split(process, 1.0)
        assert [(await ask(*ends))[1] for _ in range(3)] == ["new"] * 3
        # It ends, and the client that was connected to it does not notice.
        split(process, 0.0)
        process.targets(old())
        assert (await ask(*ends))[1] == "old"
    assert statuses(split(process, 0.0)) == {
        "stable sent": 2,
        "new sent": 3,
        "stable GET 200": 2,
        "new GET 200": 3,
    }


async def test_a_request_that_comes_in_pieces_goes_to_one_version(process, port):
    split(process, 0.5)
    pieces = [b"POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 8\r\n\r\n", b"GET ", b"/ HT"]
    async with connected(port) as (reader, writer):
        for expected in ("old", "new", "old", "new"):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                process.count()  # it has come apart from the next
            assert await answer(reader) == (200, expected)


async def test_a_new_version_with_a_defect_fails_and_the_other_does_not(process, port):
    split(process, 0.5, error_share=1, error_status=500)
    async with connected(port) as ends:
        assert [(await ask(*ends))[0] for _ in range(6)] == [200, 500] * 3
    counted = split(process, 0.5, error_share=1, error_status=500)
    assert statuses(counted) == {
        "stable sent": 3,
        "new sent": 3,
        "stable GET 200": 3,
        "new GET 500": 3,
    }
    assert counted["new"]["effect"]["answered"] == 3


async def test_a_defect_that_begins_later_concerns_open_connections_too(process, port):
    split(process, 0.5)
    async with connected(port) as ends:
        assert [(await ask(*ends))[0] for _ in range(4)] == [200] * 4
        split(process, 0.5, error_share=1, error_status=502)
        assert [(await ask(*ends))[0] for _ in range(4)] == [200, 502] * 2
        split(process, 0.5)
        assert [(await ask(*ends))[0] for _ in range(4)] == [200] * 4


async def test_a_slow_version_is_slow_by_its_own_figures(process, port):
    split(process, 0.5, delay_s=0.15)
    async with connected(port) as ends:
        for _ in range(6):
            await ask(*ends)
    counted = split(process, 0.5, delay_s=0.15)
    shortest = {
        version: min(map(int, counted[version]["durations"])) for version in ("stable", "new")
    }
    # Eight buckets double a duration: to the service and back again is 0.3 s.
    assert shortest["new"] > 88
    assert shortest["stable"] < shortest["new"]
    assert counted["new"]["effect"]["delayed"] >= 6


async def leave(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def test_a_new_version_that_dies_with_a_request_has_failed_it(process, serve):
    old, new = await serve(answering("old"), "b"), await serve(leave, NEW)
    port = process.wire(old(), new())
    split(process, 1.0)
    async with connected(port) as (reader, writer):
        writer.write(GET)
        async with asyncio.timeout(LONG_S):
            assert await reader.read() == b""
    async with connected(port) as ends:
        split(process, 0.0)
        assert (await ask(*ends))[1] == "old"
    assert statuses(split(process, 0.0))["new GET 503"] == 1


@pytest.mark.parametrize("there", [True, False])
async def test_a_new_version_that_takes_no_connection_fails_its_requests(process, serve, there):
    old, new = await serve(answering("old"), "b"), await serve(answering("new"), NEW)
    port = process.wire(old(), *([new()] if there else []))
    new.server.close()
    split(process, 0.5)
    async with connected(port) as (reader, writer):
        assert (await ask(reader, writer))[1] == "old"
        writer.write(GET)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(LONG_S):
                assert await reader.read() == b""
    assert statuses(split(process, 0.5))["new GET 503"] == 1


async def test_what_is_no_http_stays_with_the_old_version(process, serve):
    heard: list[str] = []

    def hearing(name: str) -> Callable[[Reader, Writer], Any]:
        async def handle(reader: Reader, writer: Writer) -> None:
            heard.append(name)
            await echo(reader, writer)

        return handle

    old, new = await serve(hearing("old"), "b"), await serve(hearing("new"), NEW)
    port = process.wire(old(), new())
    split(process, 1.0)
    async with connected(port) as (reader, writer):
        for said in (b"\x00hello", b"GET / HTTP/1.1\r\n\r\n"):
            writer.write(said)
            async with asyncio.timeout(LONG_S):
                assert await reader.readexactly(len(said)) == said
    assert heard == ["old"]
    assert split(process, 1.0)["new"]["sent"] == 0
