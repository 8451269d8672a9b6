"""What each request pays for, written by hand: it must be what the libraries would have done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from fastapi import APIRouter
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, get_current_span
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import StreamingResponse

from tarmac_kit import Chassis, Part, create_app, logs, trace
from tarmac_kit.metrics import BUCKETS_S, Metrics
from tarmac_kit_testing import running

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_spans_are_ids_until_somebody_sends_them_and_then_they_are_recorded() -> None:
    with trace.span("before") as span:
        assert not span.is_recording()
        outer = span.get_span_context()
        with trace.span("inner") as inner:
            assert inner.get_span_context().trace_id == outer.trace_id
            assert inner.get_span_context().span_id != outer.span_id
        assert get_current_span() is span
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    carrier = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    token = trace.source.set(trace.SpanSource(provider.get_tracer("here"), lambda _: None))
    with trace.span("after", kind=SpanKind.SERVER, carrier=carrier):
        pass
    trace.source.reset(token)
    (seen,) = exporter.get_finished_spans()
    assert (seen.name, f"{seen.context.trace_id:032x}") == ("after", TRACE)


@pytest.mark.parametrize(
    "carrier",
    [
        {},
        {"traceparent": f"00-{TRACE}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE}-{SPAN}-00"},
        {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=1"},
        {"traceparent": f"00-{TRACE}-{SPAN}-03"},
        {"traceparent": f"cc-{TRACE}-{SPAN}-01-more"},
        {"traceparent": f"ff-{TRACE}-{SPAN}-01"},
        {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE}-{'0' * 16}-01"},
        {"traceparent": f"00-{TRACE.upper()}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE}-{SPAN}-01\n"},
        {"traceparent": "nonsense"},
        {"traceparent": ""},
    ],
)
def test_a_traceparent_is_read_as_opentelemetry_reads_it(carrier: dict[str, str]) -> None:
    expected = trace._propagator.extract(carrier, Context())
    ours = get_current_span(trace._context_of(carrier)).get_span_context()
    theirs = get_current_span(expected).get_span_context()
    assert (ours, ours.is_remote) == (theirs, theirs.is_remote)


def test_what_a_caller_does_not_sample_is_not_sampled_below() -> None:
    with trace.span("s", carrier={"traceparent": f"00-{TRACE}-{SPAN}-00"}):
        assert trace.inject({})["traceparent"].startswith(f"00-{TRACE}-")
        assert trace.inject({})["traceparent"].endswith("-00")
    with trace.span("s", carrier={}):
        assert trace.inject({})["traceparent"].endswith("-01")


IDS = ("0" * 31 + "1", "0" * 15 + "2")


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def _logging():
    """Configure as a service does; nothing is bound."""
    structlog.contextvars.clear_contextvars()
    logs.configure('a "service"')
    yield
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logging")
@pytest.mark.parametrize("path", ["/things/5", '/a"b\\c', "/line\nbreak", "/\u00e9\ud800", "/\x00"])
@pytest.mark.parametrize(("status", "client"), [(200, "10.0.0.1"), (503, None)])
def test_a_requests_line_is_the_one_that_structlog_writes(
    path: str, status: int, client: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    write = logs.access_log('a "service"')
    with trace.span("s") as span:
        ids = trace.ids(span)
        write("GET", path, "/things/{id}", status, 0.0123456, client, ids)
        structlog.contextvars.bind_contextvars(bound=1)  # such a line goes through structlog
        write("GET", path, "/things/{id}", status, 0.0123456, client, ids)
    ours, theirs = lines_of(capsys)
    assert theirs.pop("bound") == 1
    assert ours.pop("ts")[:19] <= theirs.pop("ts")[:19]
    assert list(ours.items()) == list(theirs.items())


@pytest.mark.usefixtures("_logging")
def test_a_password_in_a_path_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.access_log("s")("GET", "/to/http://u:s3cret@h", "unmatched", 404, 0.1, None, IDS)
    (line,) = lines_of(capsys)
    assert line["path"] == "/to/http://u:***@h"


@pytest.mark.usefixtures("_logging")
def test_below_the_level_no_line_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    write = logs.access_log("s", level="warning")
    write("GET", "/a", "/a", 200, 0.1, None, IDS)
    write("GET", "/b", "/b", 500, 0.1, None, IDS)
    assert [(line["path"], line["level"]) for line in lines_of(capsys)] == [("/b", "warning")]


def test_durations_fall_into_the_buckets_of_prometheus_client() -> None:
    ours = Metrics("s")
    registry = CollectorRegistry()
    theirs = Histogram(
        "http_request_duration_seconds",
        "Seconds from the request's head to the end of the answer.",
        ("service", "method", "route", "status"),
        buckets=BUCKETS_S,
        registry=registry,
    )
    for duration_s in (0.0, 0.005, 0.0050001, 0.2, 0.21, 9.99, 10.0, 11.0):
        ours.request("GET", "/a", 200, duration_s)
        theirs.labels("s", "GET", "/a", "200").observe(duration_s)

    def samples(text: bytes) -> dict[Any, float]:
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
            if sample.name.startswith("http_request") and not sample.name.endswith("_created")
        }

    seen = samples(ours.exposition())
    labels = (("method", "GET"), ("route", "/a"), ("service", "s"), ("status", "200"))
    assert seen.pop(("http_requests_total", *labels)) == 8
    assert seen.pop(("http_requests_in_flight", ("service", "s"))) == 0
    assert seen == samples(generate_latest(registry))


def mount(chassis: Chassis) -> None:
    router = APIRouter()

    @router.get("/late")
    async def late() -> None:
        raise TimeoutError

    @router.get("/{everything:path}")
    async def everything(everything: str) -> str:
        return everything

    chassis.include(router)


async def test_a_timeout_of_its_own_is_not_the_callers_deadline() -> None:
    async with running(create_app([Part("p", mount)], {})) as http:
        assert (await http.get("/late")).status == 500
        answer = await http.get("/late", headers={"X-Request-Timeout-Ms": "5000"})
        assert answer.status == 500


async def test_no_part_hides_the_health_routes_and_they_answer_get_only() -> None:
    async with running(create_app([Part("p", mount)], {})) as http:
        assert (await http.get("/anything")).json() == "anything"
        for path in ("/health", "/health/live", "/health/ready", "/metrics"):
            assert (await http.get(path)).body != json.dumps(path[1:]).encode()
            refused = await http.post(path)
            assert (refused.status, refused.headers["allow"]) == (405, "GET")
        text = (await http.get("/metrics")).body.decode()
        assert 'route="/health/ready",service="service",status="200"' in text


@pytest.mark.usefixtures("_logging")
def test_credentials_inside_values_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    loop: dict[str, Any] = {"a": 1}
    loop["itself"] = loop
    given = {"user": {"name": "n", "Password": "hunter2"}, "urls": ("redis://u:hunter2@h", 5)}
    logs.get_logger().info(
        "e",
        config=given,
        headers=[{"Authorization": "Bearer hunter2"}, {"X-Api-Key": "hunter2"}],
        error=ValueError("postgresql://u:hunter2@h is away"),
        loop=loop,
    )
    text = capsys.readouterr().out
    assert "hunter2" not in text
    line = json.loads(text)
    assert line["config"]["user"] == {"name": "n", "Password": "***"}
    assert line["config"]["urls"] == ["redis://u:***@h", 5]
    assert line["headers"] == [{"Authorization": "***"}, {"X-Api-Key": "***"}]
    assert line["error"] == "postgresql://u:***@h is away"
    assert given["urls"] == ("redis://u:hunter2@h", 5)  # the caller's own is as it was


def test_the_console_form_still_shows_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("s", form="console")
    try:
        json.loads("{")
    except ValueError:
        logs.get_logger().exception("failed")
    structlog.reset_defaults()
    assert "JSONDecodeError" in capsys.readouterr().out


async def test_a_stream_of_events_is_as_fast_as_its_first_byte() -> None:
    async def events() -> AsyncIterator[bytes]:
        yield b"data: x\n\n"
        await asyncio.sleep(0.3)  # longer than 0.2 s, the bucket that decides
        yield b"data: y\n\n"

    def mount(chassis: Chassis) -> None:
        router = APIRouter()

        @router.get("/events")
        async def stream() -> StreamingResponse:
            return StreamingResponse(events(), media_type="text/event-stream")

        @router.get("/slow")
        async def slow() -> StreamingResponse:
            return StreamingResponse(events(), media_type="text/plain")

        chassis.include(router)

    async with running(create_app([Part("x", mount)], {})) as api:
        assert (await api.get("/events")).body == b"data: x\n\ndata: y\n\n"
        await api.get("/slow")
        text = (await api.get("/metrics")).body.decode()
    within = {
        sample.labels["route"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "http_request_duration_seconds_bucket" and sample.labels["le"] == "0.2"
    }
    assert (within["/events"], within["/slow"]) == (1, 0)
