"""What one client holds of the telemetry process is bounded, and others are answered meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, ResponseReceived, TrailersReceived

from tarmac.run.telemetry import intake as intake_module
from tarmac.run.telemetry.grpc import PATHS
from tarmac.run.telemetry.identity import Identities
from tarmac.run.telemetry.intake import Intake
from tarmac.run.telemetry.limits import Limits
from tarmac.run.telemetry.readings import ReadingLog
from tarmac.run.telemetry.receiver import create_app
from tarmac.run.telemetry.storage import Storage
from tarmac.run.telemetry.transport import http_or_grpc
from tarmac.run.telemetry.writer import MOST_WAITING, Writer

SHORT = Limits(head_s=0.3, body_s=0.3, idle_s=0.3, held_bytes=100_000, request_bytes=90_000)
HEAD = (
    b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Receiver:
    """A receiver in this process, and its port."""

    def __init__(self, intake: Intake, port: int) -> None:
        self.intake, self.port = intake, port
        self.writers: list[asyncio.StreamWriter] = []

    async def connect(self, data: bytes = b"") -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(data)
        return reader, writer

    async def answer(self, data: bytes) -> bytes:
        """All that is answered until the connection ends."""
        reader, _ = await self.connect(data)
        async with asyncio.timeout(20):
            return await reader.read()

    async def status(self, streams: Streams) -> int:
        async with asyncio.timeout(20):
            return int((await streams[0].readline()).split()[1])

    async def until_held(self, size: int) -> None:
        """Wait until so many bytes are held."""
        for _ in range(2_000):
            if self.intake.held.now == size:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{self.intake.held.now} bytes are held, not {size}")


@contextlib.asynccontextmanager
async def receiving(folder: Path, limits: Limits) -> AsyncIterator[Receiver]:
    storage = Storage(folder / "telemetry.db")
    intake = Intake(Writer(storage), ReadingLog(storage), Identities(folder / "none"), limits)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(intake), http=http_or_grpc(intake), log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    receiver = Receiver(intake, listener.getsockname()[1])
    try:
        yield receiver
    finally:
        for writer in receiver.writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        server.should_exit = server.force_exit = True
        await serving
        storage.close()


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", b""),
        (b"P", b""),
        (b"PRI * HT", b""),
        (b"GET /health HTTP/1.1\r\nHost: loc", b"HTTP/1.1 408"),
        (HEAD % 500 + b"half", b"HTTP/1.1 408"),
        (HEALTH + b"GET /health", b"HTTP/1.1 200"),
        (HEALTH.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\nhalf"), b"HTTP/1.1 200"),
        (b"GET /health HTTP/1.1\r\nX: " + b"x" * 70_000, b"HTTP/1.1 431"),
    ],
    ids=["nothing", "a letter", "half a preface", "half a head", "half a body",
         "half a second head", "half a body of what is answered", "a long head"],
)  # fmt: skip
async def test_a_connection_that_stays_unfinished_is_ended(tmp_path, sent, answered):
    async with receiving(tmp_path, SHORT) as receiver:
        said = await receiver.answer(sent)
        assert said.startswith(answered)
        assert bool(said) == bool(answered)
        assert receiver.intake.held.now == 0


async def test_unfinished_bodies_have_one_total_and_give_it_back(tmp_path):
    limits = Limits(head_s=30, body_s=30, held_bytes=100_000, request_bytes=90_000)
    async with receiving(tmp_path, limits) as receiver:
        first = await receiver.connect(HEAD % 85_000 + bytes(80_000))
        await receiver.until_held(80_000)
        second = await receiver.connect(HEAD % 85_000 + bytes(80_000))
        assert await receiver.status(second) == 429
        first[1].close()
        await receiver.until_held(0)
        third = await receiver.connect(HEAD % 2 + b"{}")
        assert await receiver.status(third) == 200


async def test_a_client_that_leaves_within_a_body_is_no_error(tmp_path, caplog):
    async with receiving(tmp_path, SHORT) as receiver:
        _, writer = await receiver.connect(HEAD % 500 + b"half")
        await receiver.until_held(4)
        writer.close()
        await receiver.until_held(0)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_others_are_answered_while_a_batch_is_decoded(tmp_path, monkeypatch):
    begun, may_end = threading.Event(), threading.Event()

    def decoded(*_: object) -> tuple[list, int]:
        begun.set()
        assert may_end.wait(20)
        return [], 0

    monkeypatch.setattr(intake_module, "decoded", decoded)
    async with receiving(tmp_path, SHORT) as receiver:
        batches = [await receiver.connect(HEAD % 2 + b"{}") for _ in range(8)]
        assert await asyncio.to_thread(begun.wait, 20)
        assert await receiver.status(await receiver.connect(HEALTH)) == 200
        may_end.set()
        assert [await receiver.status(batch) for batch in batches] == [200] * 8


async def test_a_batch_that_is_never_taken_is_too_large(tmp_path):
    span = {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1", "startTimeUnixNano": 1}
    spans = {"resourceSpans": [{"scopeSpans": [{"spans": [span] * (MOST_WAITING + 1)}]}]}
    body = json.dumps(spans).encode()
    async with receiving(tmp_path, Limits()) as receiver:
        assert await receiver.status(await receiver.connect(HEAD % len(body) + body)) == 413


async def test_more_connections_than_there_are_places_for_are_ended(tmp_path):
    async with receiving(tmp_path, Limits(connections=2)) as receiver:
        kept = [await receiver.connect() for _ in range(2)]
        assert await receiver.answer(b"") == b""
        kept[0][1].write(HEALTH)
        assert await receiver.status(kept[0]) == 200


async def events_of(receiver: Receiver, *, call: bool, size: int = 4) -> list:
    """What a client of gRPC hears that sends half a call, or none, until the connection ends."""
    client = H2Connection()
    client.initiate_connection()
    if call:
        (path, *_) = PATHS
        named = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", path)]
        client.send_headers(1, named)
        for _ in range(size // 4):
            client.send_data(1, b"half")
    reader, writer = await receiver.connect(client.data_to_send())
    found = []
    async with asyncio.timeout(20):
        while data := await reader.read(1 << 16):
            found += client.receive_data(data)
            writer.write(client.data_to_send())
    return found


@pytest.mark.parametrize("call", [True, False], ids=["half a call", "no call"])
async def test_a_connection_of_grpc_that_stays_unfinished_is_ended(tmp_path, call):
    async with receiving(tmp_path, SHORT) as receiver:
        found = await events_of(receiver, call=call)
        assert any(isinstance(event, ConnectionTerminated) for event in found)
        assert any(isinstance(event, ResponseReceived) for event in found) == call
        assert receiver.intake.held.now == 0


async def test_calls_of_grpc_are_within_the_total(tmp_path):
    limits = Limits(head_s=0.3, body_s=30, idle_s=0.3, held_bytes=100, request_bytes=90_000)
    async with receiving(tmp_path, limits) as receiver:
        found = await events_of(receiver, call=True, size=400)
        (trailers,) = [event for event in found if isinstance(event, TrailersReceived)]
        assert dict(trailers.headers or ())[b"grpc-status"] == b"14"
        assert receiver.intake.held.now == 0


def frame(kind: int, flags: int, content: bytes) -> bytes:
    """Write a frame of HTTP/2 on stream 1."""
    return len(content).to_bytes(3) + bytes([kind, flags]) + (1).to_bytes(4) + content


HEADERS, CONTINUATION, END_HEADERS = 1, 9, 4
PREFACE = H2Connection()
PREFACE.initiate_connection()
BEGUN = PREFACE.data_to_send()
#: A head that is written once in a table, and named by one byte ever after.
BOMB = b"\x40\x01a\x7f\x80\x1f" + b"x" * 4095 + b"\xbe" * 16_000


@pytest.mark.parametrize(
    "flood",
    [
        frame(HEADERS, 0, b"\x82") + frame(CONTINUATION, 0, b"") * 100_000,
        frame(HEADERS, 0, b"\x82") + frame(CONTINUATION, 0, b"\x00" * 16_000) * 1_000,
        frame(HEADERS, END_HEADERS, BOMB),
        frame(CONTINUATION, 0, b"\x82"),
    ],
    ids=["empty frames", "large frames", "a table that unpacks to 64 MB", "frames of nothing"],
)
async def test_a_flood_of_continuations_ends_its_connection_and_others_are_answered(
    tmp_path, flood, caplog
):
    async with receiving(tmp_path, Limits()) as receiver:
        reader, writer = await receiver.connect(BEGUN + flood)
        client, found = H2Connection(), []
        client.initiate_connection()
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionResetError):  # what came after the end is unread
                while data := await reader.read(1 << 16):
                    found += client.receive_data(data)
        assert writer.transport.is_closing() or reader.at_eof()
        assert not any(isinstance(event, ResponseReceived) for event in found)
        assert await receiver.status(await receiver.connect(HEALTH)) == 200
        assert receiver.intake.held.now == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_head_whose_continuations_never_end_is_ended(tmp_path):
    async with receiving(tmp_path, SHORT) as receiver:
        head = frame(HEADERS, 0, b"\x82") + frame(CONTINUATION, 0, b"\x86")
        reader, _ = await receiver.connect(BEGUN + head)
        async with asyncio.timeout(20):
            while await reader.read(1 << 16):
                pass
        assert await receiver.status(await receiver.connect(HEALTH)) == 200


async def test_a_head_that_is_not_text_ends_its_connection_without_a_traceback(tmp_path, caplog):
    async with receiving(tmp_path, SHORT) as receiver:
        head = b"\x83\x86\x41\x01a\x44\x02/\xff"  # POST, http, an authority, and a path
        reader, _ = await receiver.connect(BEGUN + frame(HEADERS, END_HEADERS, head))
        async with asyncio.timeout(20):
            while await reader.read(1 << 16):
                pass
        assert await receiver.status(await receiver.connect(HEALTH)) == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
