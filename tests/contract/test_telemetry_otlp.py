"""What OpenTelemetry's own SDK sends, by either transport, to a real telemetry process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceStub,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from receiving import JSON, PROTOBUF, TelemetryServer, token_of

from tarmac.plan import telemetry_token
from tarmac.plan.telemetry_token import TOKEN_HEADER
from tarmac.run.dashboard import logs
from tarmac.run.telemetry import charts, metrics, queries, storage
from tarmac.run.telemetry.charts import Steps

SERVICE = Path(__file__).parents[1] / "support/otel_service.py"
TRACE = bytes(range(16))


@pytest.fixture
def server(tmp_path):
    made = TelemetryServer(tmp_path)
    yield made
    made.close()


def run_service(server, protocol: str, times: int = 4) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "OTEL_SERVICE_NAME": "shipping",
        "OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=shipping-1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"{TOKEN_HEADER}={token_of('shipping')}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    command = [sys.executable, str(SERVICE), str(times)]
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stderr.count("Failed to export")) == (0, 0), ended.stderr


def until(question, wanted):
    ends_at = time.monotonic() + 20
    while (found := question()) != wanted:
        assert time.monotonic() < ends_at, f"{found} instead of {wanted}"
        time.sleep(0.02)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_an_sdk_set_up_by_its_environment_is_seen_whole(server, protocol) -> None:
    run_service(server, protocol)
    server.until(4)
    with contextlib.closing(storage.reader(server.path)) as stored:
        traces = queries.latest(stored, most=10)
        assert {(one.service, one.name) for one in traces} == {("shipping", "POST /parcels")}
        now_ms = time.time_ns() // 1_000_000
        parcels = metrics.counters(
            stored, "shipping", "parcels_sent_total", lambda labels: labels["carrier"] == "post"
        )
        assert parcels.increase(stored, 0, now_ms) == 4
        red = charts.red(stored, "shipping", Steps(now_ms - 60_000, 60_000, 1))
    assert red.requests_per_s == [pytest.approx(4 / 60)]
    assert red.failed_per_s == [pytest.approx(1 / 60)]
    assert red.durations_s["p50"][0] == pytest.approx(0.02, abs=0.03)
    until(lambda: len(logs.read(server.home)["lines"]), 4)
    (line,) = logs.read(server.home, trace=traces[0].trace_id)["lines"]
    assert line["name"] == "shipping"
    assert line["level"] == "warning"
    assert line["said"].endswith("is heavy")
    assert line["fields"]["weight_kg"] == 40
    assert line["trace"] == traces[0].trace_id


def test_counters_that_send_only_their_increases_are_added_up(server) -> None:
    for number, temporality in enumerate((1, 1, 2, 2)):
        request = ExportMetricsServiceRequest()
        metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="seen")
        metric.sum.is_monotonic = True
        metric.sum.aggregation_temporality = temporality
        # The second of the cumulative ones has begun again.
        value = {0: 3, 1: 2, 2: 9, 3: 1}[number]
        metric.sum.data_points.add(as_int=value, start_time_unix_nano=time.time_ns())
        assert server.send(request.SerializeToString(), PROTOBUF, "/v1/metrics")[0] == 200
    with contextlib.closing(storage.reader(server.path)) as stored:
        now_ms = time.time_ns() // 1_000_000
        name = "unidentified/unknown_service"
        found = metrics.counters(stored, name, "seen_total", lambda _: True)
        assert found.increase(stored, 0, now_ms) == 3 + 2 + 9 + 1


@pytest.mark.parametrize("token", ["", token_of("orders"), "token-of-shippin\xe4"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_what_comes_without_the_services_own_token_counts_for_no_service(
    server, token, protocol
) -> None:
    if not token.isascii() and protocol == "grpc":
        pytest.skip("gRPC's clients send no such header")
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.add(key="service.name").value.string_value = "shipping"
    metric = group.scope_metrics.add().metrics.add(name="http_requests_total")
    metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, 1
    metric.sum.data_points.add(as_int=500_000)
    sent = {TOKEN_HEADER: token} if token else {}
    if protocol == "grpc":
        with grpc.insecure_channel(server.url.removeprefix("http://")) as channel:
            MetricsServiceStub(channel).Export(request, timeout=20, metadata=tuple(sent.items()))
    else:
        body = request.SerializeToString()
        assert server.send(body, PROTOBUF, "/v1/metrics", **sent)[0] == 200
    with contextlib.closing(storage.reader(server.path)) as stored:
        assert metrics.totals(stored, "shipping", "http_requests_total") == []
        named = metrics.totals(stored, "unidentified/shipping", "http_requests_total")
        assert [total for _, total in named] == [500_000]


def test_a_token_of_a_service_that_was_added_is_known_at_once(server) -> None:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = "added"
    group.scope_logs.add().log_records.add(time_unix_nano=time.time_ns())
    body = request.SerializeToString()
    for known in ("", "a-token"):
        server.home.secrets.write_text(json.dumps({telemetry_token.token("added").path: known}))
        sent = {TOKEN_HEADER: "a-token"}
        assert server.send(body, PROTOBUF, "/v1/logs", **sent)[0] == 200
    until(lambda: len(logs.read(server.home)["lines"]), 2)
    lines = logs.read(server.home)["lines"]
    assert {line["name"] for line in lines} == {"unidentified/added", "added"}


def test_log_records_in_json_are_read_on_from_where_a_page_stopped(server) -> None:
    def send(said: str) -> int:
        record = {
            "timeUnixNano": str(time.time_ns()),
            "severityNumber": 17,
            "body": {"stringValue": said},
            "traceId": TRACE.hex(),
        }
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "mailer"}}]}
        groups = [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]
        return server.send(json.dumps({"resourceLogs": groups}).encode(), JSON, "/v1/logs")[0]

    assert send("first") == 200
    until(lambda: len(logs.read(server.home)["lines"]), 1)
    seen = logs.read(server.home)
    assert logs.read(server.home, cursor=seen["cursor"])["lines"] == []
    assert send("second") == 200
    until(lambda: len(logs.read(server.home)["lines"]), 2)
    (line,) = logs.read(server.home, cursor=seen["cursor"])["lines"]
    assert (line["said"], line["level"], line["trace"]) == ("second", "error", TRACE.hex())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/logs", b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "0102"}]}]}]}'),
        ("/v1/logs", b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "xy"}]}]}]}'),
        ("/v1/logs", b"[" * 100_000),
        ("/v1/metrics", b'{"resourceMetrics": 5}'),
        ("/v1/metrics", b"[]"),
    ],
)
def test_what_is_no_request_is_refused_as_a_whole(server, path, body) -> None:
    assert server.send(body, JSON, path)[0] == 400


def test_grpc_names_what_it_does_not_take(server) -> None:
    with grpc.insecure_channel(server.url.removeprefix("http://")) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.profiles.v1.P/Export")
        with pytest.raises(grpc.RpcError) as unknown:
            export(b"", timeout=20)
        assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED
        unreadable = channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        )
        with pytest.raises(grpc.RpcError) as wrong:
            unreadable(b"\xff\xff", timeout=20)
        assert wrong.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "not OTLP" in wrong.value.details()
        with pytest.raises(grpc.RpcError) as too_large:
            unreadable(bytes(17 << 20), timeout=60)
        assert too_large.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        request = ExportTraceServiceRequest()
        request.resource_spans.add().scope_spans.add().spans.add(
            trace_id=TRACE, span_id=TRACE[:8], start_time_unix_nano=time.time_ns()
        )
        TraceServiceStub(channel).Export(request, timeout=20)
    server.until(1)


def test_a_connection_that_turns_out_to_be_neither_is_answered(server) -> None:
    host, port = server.listener.getsockname()
    with socket.create_connection((host, port), timeout=20) as connection:
        for part in (b"PR", b"I /health HT", b"TP/1.1\r\nHost: localhost\r\n\r\n"):
            connection.sendall(part)
        assert connection.recv(100).startswith(b"HTTP/1.1 4")
    with socket.create_connection((host, port), timeout=20) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nno preface of HTTP/2 after all")
        while connection.recv(100):
            pass
    assert (
        server.send(ExportLogsServiceRequest().SerializeToString(), PROTOBUF, "/v1/logs")[0] == 200
    )
