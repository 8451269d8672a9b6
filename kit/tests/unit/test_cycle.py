"""The heads and bodies that a service writes, against those of uvicorn's own cycle."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tarmac_kit.cycle import Cycle

DATE = [(b"date", b"Tue, 01 Dec 2026 05:00:00 GMT")]
LENGTH = (b"Content-Length", b"2")


class Wire(asyncio.Transport):
    """What was written to a connection, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True


def answered(
    kind: type[RequestResponseCycle], events: list[Any], *, method: str, keep_alive: bool
) -> tuple[bytes, bool, bool]:
    """Send the events; return what was written, whether it was closed, and whether it failed."""
    wire = Wire()

    async def send() -> bool:
        cycle = kind(
            scope={"method": method},  # type: ignore[arg-type, typeddict-item]
            transport=wire,
            flow=FlowControl(wire),
            logger=logging.getLogger("uvicorn.error"),
            access_logger=logging.getLogger("uvicorn.access"),
            access_log=False,
            default_headers=DATE,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=lambda: None,
        )
        with contextlib.suppress(RuntimeError):
            for event in events:
                await cycle.send(event)
            return False
        return True

    failed = asyncio.run(send())
    return wire.written, wire.closed, failed


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(data: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize(
    "events",
    [
        [start(LENGTH), body(b"ab")],
        [start(LENGTH), body(b"a", more=True), body(b"b")],
        [start(LENGTH), body(b"abc")],
        [start(LENGTH), body(b"a")],
        [start(), body(b"ab", more=True), body(b"", more=True), body(b"c")],
        [start(), body()],
        [start(status=204), body()],
        [start((b"etag", b'"1"'), status=304), body()],
        [start((b"Transfer-Encoding", b"Chunked")), body(b"ab")],
        [start((b"transfer-encoding", b"gzip")), body(b"ab")],
        [start(LENGTH, (b"Connection", b"x, Close")), body(b"ab")],
        [start(LENGTH, (b"connection", b"keep-alive")), body(b"ab")],
        [start(LENGTH, (b"X-Name", "é\t-".encode())), body(b"ab")],
        [start((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")), body(b"ab")],
        [start((b"x", b"a\r\nevil: 1")), body(b"ab")],
        [start((b"x", b"a\nb")), body(b"ab")],
        [start((b"x", b"\x7f")), body(b"ab")],
        [start((b"x y", b"1")), body(b"ab")],
        [start((b"x\r\ny", b"1")), body(b"ab")],
        [start(status=599), body(b"ab")],
        [body(b"ab")],
        [start(), start()],
        [start(), body(), body()],
    ],
)
def test_an_answer_is_written_as_uvicorn_writes_it(
    events: list[Any], method: str, *, keep_alive: bool
) -> None:
    written, closed, failed = answered(Cycle, events, method=method, keep_alive=keep_alive)
    expected = answered(RequestResponseCycle, events, method=method, keep_alive=keep_alive)
    assert (closed, failed) == expected[1:]
    if not failed or b"\r\n\r\n" in expected[0]:
        assert written.partition(b"\r\n\r\n") == expected[0].partition(b"\r\n\r\n")


def test_a_header_without_a_name_is_refused() -> None:
    events = [start((b"", b"1")), body(b"ab")]
    assert answered(Cycle, events, method="GET", keep_alive=True) == (b"", False, True)
