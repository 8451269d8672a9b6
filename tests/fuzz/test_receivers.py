"""Whatever is sent to the telemetry process: no failure of its own, nothing held, no long wait.

    TARMAC_FUZZ_CASES=100000 TARMAC_FUZZ_SEED=2 .venv/bin/pytest -n0 tests/fuzz/test_receivers.py

changes real requests so many times. A case goes to what decodes it, or as a connection's bytes to
the server's own protocol. Without, the same few cases are tried.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
import random
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from google.protobuf.json_format import MessageToJson
from h2.connection import H2Connection
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tarmac.run.telemetry.grpc import PATHS, GrpcProtocol
from tarmac.run.telemetry.intake import Body, Intake, decoded
from tarmac.run.telemetry.limits import Limits, TooLarge
from tarmac.run.telemetry.otlp_message import UnreadableRequest

CASES = int(os.environ.get("TARMAC_FUZZ_CASES", "1500"))
SEED = int(os.environ.get("TARMAC_FUZZ_SEED", "1"))
#: Seconds that one input may take, on a machine that does other work.
LONGEST_S = 10
MOST_BYTES = 1 << 20
#: Parts that are put into an input.
BYTES = (
    b"\x00", b"\xff" * 9, b"\xff\xff\xff\xff\x0f", b"\x80" * 12, b"\x0a" * 40, b"\xc3\x28",
    b"\xed\xa0\x80", b"NaN", b"1e999", b"-1", b"\\ud800", b"[" * 300, b'{"a":' * 300, b'""',
    b"null", b"9" * 400, b"\x1f\x8b\x08\x00", b"\r\n\r\n", b"\x00\x00\x00\x09\x00\x00\x00\x00\x01",
)  # fmt: skip


def resource(group: Any) -> None:
    group.resource.attributes.add(key="service.name").value.string_value = "orders"
    group.resource.attributes.add(key="service.instance.id").value.string_value = "1"


def attributed(attributes: Any) -> None:
    attributes.add(key="text").value.string_value = "a"
    attributes.add(key="number").value.int_value = 7
    attributes.add(key="share").value.double_value = 0.5
    inner = KeyValue(key="list")
    inner.value.array_value.values.add().kvlist_value.values.add(key="x").value.bool_value = True
    attributes.append(inner)


def requests() -> dict[str, Any]:
    """Make one real request of each signal."""
    traces = ExportTraceServiceRequest()
    group = traces.resource_spans.add()
    resource(group)
    span = group.scope_spans.add().spans.add(
        trace_id=b"1" * 16, span_id=b"2" * 8, name="GET /", kind=2, start_time_unix_nano=10**18
    )
    span.end_time_unix_nano = 10**18 + 10**6
    attributed(span.attributes)
    attributed(span.events.add(name="exception", time_unix_nano=10**18).attributes)
    logs = ExportLogsServiceRequest()
    entries = logs.resource_logs.add()
    resource(entries)
    record = entries.scope_logs.add().log_records.add(time_unix_nano=10**18, severity_number=9)
    record.body.string_value = "said"
    attributed(record.attributes)
    metrics = ExportMetricsServiceRequest()
    measured = metrics.resource_metrics.add()
    resource(measured)
    found = measured.scope_metrics.add().metrics
    attributed(found.add(name="up", unit="1").gauge.data_points.add(as_int=1).attributes)
    total = found.add(name="http.requests", unit="{request}").sum
    total.is_monotonic, total.aggregation_temporality = True, 2
    attributed(total.data_points.add(as_double=3).attributes)
    timed = found.add(name="took", unit="s").histogram
    timed.aggregation_temporality = 2
    timed.data_points.add(count=3, sum=0.5, bucket_counts=[1, 1, 1], explicit_bounds=[0.1, 1.0])
    return {"traces": traces, "logs": logs, "metrics": metrics}


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change an input in one to four places."""
    made = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(7):
            case 0 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(made):
                made[at] = chance.choice((0, 1, 127, 128, 255))
            case 2:
                made[at:at] = chance.choice(BYTES)
            case 3:
                del made[at : at + chance.randint(1, 30)]
            case 4:
                end = at + chance.randint(1, 60)
                made[at:at] = bytes(made[at:end]) * chance.randint(1, 50)
            case 5:
                del made[at:]
            case 6:
                made[at : at + chance.randint(1, 8)] = chance.randbytes(chance.randint(1, 8))
    return bytes(made)


def as_json(request: Any) -> bytes:
    """Write a request in OTLP's JSON, whose ids are hexadecimal."""
    text = MessageToJson(request, indent=None, use_integers_for_enums=True)
    for value in (b"1" * 16, b"2" * 8):
        text = text.replace(base64.b64encode(value).decode(), value.hex())
    return text.encode()


SIGNALS = requests()
SEEDS = [
    *((signal, one.SerializeToString(), False) for signal, one in SIGNALS.items()),
    *((signal, as_json(one), True) for signal, one in SIGNALS.items()),
]


def within(seconds: float, run: Callable[[], None], content: bytes) -> None:
    begun = time.monotonic()
    run()
    assert time.monotonic() - begun < seconds, content


def decode(signal: str, body: Body) -> None:
    try:
        found, size = decoded(signal, body, MOST_BYTES, lambda service, _: service)
    except (UnreadableRequest, TooLarge):
        return
    assert size <= max(MOST_BYTES, len(body.content))
    assert all(isinstance(one.service, str) for one in found)


@pytest.mark.parametrize(("signal", "content", "is_json"), SEEDS)
def test_the_seeds_are_requests_that_are_taken(signal, content, is_json):
    assert decoded(signal, Body(content, is_json), MOST_BYTES, lambda name, _: name)[0]


@pytest.mark.timeout(50_000 if CASES > 10_000 else 300)
def test_no_mutated_request_fails_in_what_decodes_it():
    chance = random.Random(SEED)
    for _ in range(CASES):
        signal, content, is_json = chance.choice(SEEDS)
        is_packed = chance.random() < 0.1
        content = mutated(gzip.compress(content) if is_packed else content, chance)
        body = Body(content, is_json, is_packed)
        within(LONGEST_S, lambda signal=signal, body=body: decode(signal, body), content)


@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_a_key_that_is_half_a_pair_of_surrogates_is_unreadable(signal):
    with pytest.raises(UnreadableRequest):
        decoded(signal, Body(b'{"\\ud800": 1}', is_json=True), MOST_BYTES, lambda name, _: name)


class Sent:
    """A transport that keeps nothing."""

    def __init__(self) -> None:
        self.closed = False

    def write(self, data: bytes) -> None:
        assert data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0


class Taken(Intake):
    """An intake that decodes, and stores nothing."""

    def __init__(self) -> None:
        super().__init__(*cast("Any", (None, None, None)), Limits(body_s=60, idle_s=60))

    async def take(self, signal: str, body: Body) -> None:
        decoded(signal, body, MOST_BYTES, lambda service, _: service)


def call() -> bytes:
    """Write the bytes of a connection with a call of each signal."""
    client = H2Connection()
    client.initiate_connection()
    for number, (path, signal) in enumerate(PATHS.items()):
        named = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", path)]
        client.send_headers(2 * number + 1, [*named, ("te", "trailers")])
        content = SIGNALS[signal].SerializeToString()
        message = b"\0" + len(content).to_bytes(4) + content
        client.send_data(2 * number + 1, message, end_stream=True)
    return client.data_to_send()


@pytest.mark.timeout(50_000 if CASES > 10_000 else 300)
async def test_no_mutated_connection_fails_in_the_protocol_and_none_holds_bytes():
    chance, whole, failed = random.Random(SEED), call(), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
    intake = Taken()
    for _ in range(CASES // 3):
        content = whole[:24] + mutated(whole[24:], chance)
        protocol = GrpcProtocol(intake, set())
        protocol.connection_made(cast("asyncio.Transport", Sent()))
        cut = chance.randrange(len(content))
        begun = time.monotonic()
        protocol.data_received(content[:cut])
        protocol.data_received(content[cut:])
        await asyncio.gather(*protocol._tasks)
        protocol.connection_lost(None)
        assert time.monotonic() - begun < LONGEST_S, content
        assert intake.held.now == 0, content
    assert not failed


async def test_a_whole_connection_is_answered_with_three_taken_calls():
    taken: list[str] = []

    class Noted(Taken):
        async def take(self, signal: str, body: Body) -> None:
            await super().take(signal, body)
            taken.append(signal)

    protocol = GrpcProtocol(Noted(), set())
    protocol.connection_made(cast("asyncio.Transport", Sent()))
    protocol.data_received(call())
    await asyncio.gather(*protocol._tasks)
    assert sorted(taken) == sorted(SIGNALS)
    protocol.shutdown()
    protocol.connection_lost(None)
