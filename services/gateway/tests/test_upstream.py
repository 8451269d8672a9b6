"""The gateway's connections to a backend, against servers that answer byte by byte as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tarmac_gateway import upstream
from tarmac_gateway.connection import MAX_HEAD_BYTES, Connection, NoAnswerError, UpstreamError
from tarmac_gateway.settings import BackendAddress
from tarmac_gateway.upstream import KEEPALIVE_S, Backend

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Script:
    """A server that answers each request with the next of its answers, and keeps what came."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.ends_after: int | None = None
        self.now_s = 100.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answered = 0
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head)
                if self.ends_after is not None and answered == self.ends_after:
                    break
                answer = self.answers.pop(0) if self.answers else OK
                writer.write(answer.removesuffix(b"<end>"))
                await writer.drain()
                answered += 1
                if answer.endswith(b"<end>"):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def script() -> Script:
    return Script()


@pytest.fixture
async def backend(script: Script) -> AsyncIterator[Backend]:
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        address = BackendAddress("things", f"http://127.0.0.1:{port}/base", 2.0, 1)
        made = Backend(address, 60.0, lambda: script.now_s)
        stack.push_async_callback(made.close)
        yield made
        server.close()


async def read(backend: Backend, answer: Connection) -> bytes:
    body = b""
    while piece := await answer.readany():
        body += piece
    backend.give_back(answer)
    return body


async def get(backend: Backend, method: str = "GET") -> tuple[int, bytes]:
    answer = await backend.ask(method, b"/a?b=c", [(b"x-a", b"1")])
    return answer.status, await read(backend, answer)


async def test_requests_go_over_one_connection_and_below_the_services_path(
    backend: Backend, script: Script
) -> None:
    assert [await get(backend) for _ in range(3)] == [(200, b"ok")] * 3
    assert script.connections == 1
    host = f"127.0.0.1:{backend.address.url.rpartition(':')[2].removesuffix('/base')}"
    assert script.requests[0] == (
        f"GET /base/a?b=c HTTP/1.1\r\nhost: {host}\r\nx-a: 1\r\n\r\n".encode()
    )


@pytest.mark.parametrize(
    ("answer", "body", "connections"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok", 1),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK,
            b"ok",
            1,
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok", b"ok", 2),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end<end>", b"until the end", 2),
        (OK + OK, b"ok", 2),  # the second is not the answer to what is asked next
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", 1),
    ],
)
async def test_an_answer_ends_where_it_says_and_only_then_is_its_connection_used_again(
    backend: Backend, script: Script, answer: bytes, body: bytes, connections: int
) -> None:
    script.answers = [answer]
    assert (await get(backend))[1] == body
    assert await get(backend) == (200, b"ok")
    assert script.connections == connections


async def test_an_answer_to_head_has_no_body_whatever_its_length_says(
    backend: Backend, script: Script
) -> None:
    script.answers = [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"]
    assert await get(backend, "HEAD") == (200, b"")
    assert await get(backend) == (200, b"ok")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "cannot be read"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", "cannot"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
            "protocol",
        ),
        (b"HTTP/1.1 200 OK\r\na: " + b"x" * (MAX_HEAD_BYTES + 9), "more than"),
    ],
)
async def test_what_is_no_answer_is_an_error_and_ends_the_connection(
    backend: Backend, script: Script, answer: bytes, reason: str
) -> None:
    script.answers = [answer]
    with pytest.raises(UpstreamError, match=reason):
        await get(backend)
    assert await get(backend) == (200, b"ok")
    assert script.connections == 2


async def test_an_answer_that_breaks_off_is_an_error_and_not_a_short_one(
    backend: Backend, script: Script
) -> None:
    script.answers = [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf<end>"]
    answer = await backend.ask("GET", b"/", [])
    with pytest.raises(UpstreamError, match="the connection ended"):
        await read(backend, answer)
    backend.give_back(answer)


@pytest.mark.parametrize(("method", "repeats"), [("GET", True), ("DELETE", False)])
async def test_a_kept_connection_that_just_closed_repeats_only_what_can_be(
    backend: Backend, script: Script, method: str, repeats: bool
) -> None:
    script.ends_after = 1  # the second request on a connection finds it closing
    assert await get(backend, method) == (200, b"ok")
    if repeats:
        assert await get(backend, method) == (200, b"ok")
        assert script.connections == 2
    else:
        with pytest.raises(NoAnswerError):
            await get(backend, method)
        assert script.connections == 1


async def test_a_connection_is_not_used_after_its_age_nor_after_a_long_pause(
    backend: Backend, script: Script
) -> None:
    await get(backend)
    script.now_s += KEEPALIVE_S
    await get(backend)
    assert script.connections == 2
    for _ in range(40):  # never idle for long, and so ended by age alone
        script.now_s += KEEPALIVE_S / 2
        await get(backend)
    assert script.connections == 3


async def test_more_requests_than_connections_wait_for_their_turn(
    backend: Backend, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "POOL_CONNECTIONS", 2)
    answers = await asyncio.gather(*(get(backend) for _ in range(9)))
    assert answers == [(200, b"ok")] * 9
    assert script.connections <= 2


async def test_no_service_is_an_error_of_the_connection(script: Script) -> None:
    address = BackendAddress("things", "http://127.0.0.1:1", 2.0, 1)
    backend = Backend(address, 60.0, lambda: script.now_s)
    with pytest.raises(NoAnswerError, match="no connection"):
        await get(backend)


async def test_an_end_of_line_in_a_header_is_never_sent(backend: Backend, script: Script) -> None:
    with pytest.raises(ValueError, match="end of line"):
        await backend.ask("GET", b"/", [(b"x-a", b"1\r\nx-b: 2")])
    assert script.requests == []


async def test_a_body_of_unknown_length_is_sent_in_chunks_and_one_that_fails_never_ends(
    backend: Backend, script: Script
) -> None:
    async def body(*, fails: bool) -> AsyncIterator[bytes]:
        yield b"abc"
        if fails:
            raise RuntimeError("the client is gone")

    answer = await backend.ask("POST", b"/", [], body(fails=False))
    assert await read(backend, answer) == b"ok"
    assert b"transfer-encoding: chunked" in script.requests[0]
    script.answers = [b""]
    with pytest.raises(RuntimeError, match="the client is gone"):
        await backend.ask("POST", b"/", [], body(fails=True))
