"""The telemetry process: a real one, with its listening socket as standard input."""

from __future__ import annotations

import contextlib
import gzip
import json
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from receiving import JSON, PROTOBUF, TelemetryServer

from tarmac.run.telemetry import queries, storage


@pytest.fixture
def server(tmp_path):
    made = TelemetryServer(tmp_path)
    yield made
    made.close()


def in_json(trace: int, spans: int = 1) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": f"{trace:032x}", "spanId": f"{number + 1:016x}", "name": "x",
         "startTimeUnixNano": str(time.time_ns())} for number in range(spans)
    ]}]}]}).encode()  # fmt: skip


def in_protobuf(trace: int) -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=trace.to_bytes(16), span_id=b"12345678", start_time_unix_nano=time.time_ns()
    )
    return request.SerializeToString()


def test_it_takes_both_encodings_plain_and_packed(server):
    packed = {"Content-Encoding": "gzip"}
    assert server.send(in_json(1)) == (200, b"{}")
    assert server.send(in_protobuf(2), PROTOBUF) == (200, b"")
    assert server.send(gzip.compress(in_json(3)), f"{JSON}; charset=utf-8", **packed)[0] == 200
    assert server.send(gzip.compress(in_protobuf(4)), PROTOBUF, **packed)[0] == 200
    server.until(4)


@pytest.mark.parametrize(
    ("status", "words", "given"),
    [
        (400, "not OTLP's JSON", {"body": b"{"}),
        (400, "not OTLP's protobuf", {"body": b"\xff\xff", "kind": PROTOBUF}),
        (400, "not gzip", {"body": b"plain", "Content-Encoding": "gzip"}),
        (400, "cut off", {"body": gzip.compress(b"{}")[:-9], "Content-Encoding": "gzip"}),
        (421, "loopback", {"Host": "rebound.example"}),
        (403, "web pages", {"Origin": "http://127.0.0.1"}),
        (
            413,
            "when unpacked",
            {"body": gzip.compress(b" " * (17 << 20)), "Content-Encoding": "gzip"},
        ),
        (413, "bytes", {"body": b" " * (17 << 20)}),
        (415, "content-type", {"kind": "text/plain"}),
        (415, "content-encoding", {"Content-Encoding": "br"}),
        (404, "no signal", {"path": "/v1/profiles"}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_it_does_not_take_is_answered_and_leaves_nothing(server, status, words, given):
    given = {"body": b"{}", **given}
    answered, body = server.send(given.pop("body"), **given)
    assert answered == status
    assert words in body.decode()
    assert server.send(in_json(1))[0] == 200
    server.until(1)
    assert server.spans() == 1


def test_text_that_is_no_unicode_is_stored_as_far_as_it_is(server):
    body = in_json(1).replace(b'"name": "x"', b'"name": "half \\ud800 of a pair"')
    assert b"ud800" in body
    assert server.send(body)[0] == 200
    server.until(1)
    with contextlib.closing(storage.reader(server.path)) as stored:
        (trace,) = queries.latest(stored, most=1)
    assert trace.name == "half ? of a pair"


def test_what_was_answered_is_written_when_it_is_stopped(server):
    for trace in range(1, 6):
        assert server.send(in_json(trace, spans=512))[0] == 200
    assert server.end() == 0
    assert server.spans() == 5 * 512


def test_killed_it_keeps_what_was_written_and_takes_more_when_it_starts_again(server):
    server.send(in_json(1, spans=100))
    server.until(100)
    server.end(signal.SIGKILL)
    server.start()
    assert server.send(in_json(2))[0] == 200  # the connection waited in the socket's queue
    server.until(101)


def test_what_finds_no_place_is_refused_and_counted(server):
    """While another process holds the file's lock nothing is written, and the queue fills."""
    server.send(in_json(1))
    server.until(1)
    with contextlib.closing(sqlite3.connect(server.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        statuses = [server.send(in_json(trace, spans=2500))[0] for trace in range(2, 25)]
        other.execute("ROLLBACK")
    assert set(statuses) == {200, 429}
    taken = 1 + 2500 * statuses.count(200)
    server.until(taken)
    # A batch is counted once it is in the file: a moment after a reader sees it there.
    ends_at = time.monotonic() + 20
    while (counts := server.counts())["written"] < taken:
        assert time.monotonic() < ends_at, counts
        time.sleep(0.02)
    assert counts == {
        "received": taken,
        "written": taken,
        "refused": 2500 * statuses.count(429),
    }


def test_a_signal_ends_it_as_soon_as_it_is_taken(tmp_path):
    """Also one that comes before there is a server to hear it."""
    server = TelemetryServer(tmp_path)
    try:
        caught = 0
        while not caught & 1 << signal.SIGTERM - 1:
            assert server.process.poll() is None
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        assert server.end() in {0, -signal.SIGTERM}
    finally:
        server.close()
