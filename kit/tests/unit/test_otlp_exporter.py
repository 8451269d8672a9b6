"""Spans as a collector receives them, on loopback; it reads them by OTLP's own schema."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import pytest
import waiting
from collecting import Collector, Told, collecting

from tarmac_kit import Chassis, Part, PoisonMessage, SettingsError, create_app, otlp_exporter, trace
from tarmac_kit.messages import Message
from tarmac_kit_testing import FakeBus, FakeTransport, json_response, running

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
QUICKLY = {"OTEL_BSP_SCHEDULE_DELAY": "20"}
#: The collector is a thread of the test's own: it has no server to wait for.
until = partial(waiting.until, timeout_s=10)


def mount(chassis: Chassis) -> None:
    stock = chassis.client("stock") if chassis.bound("STOCK_URL") else None

    @chassis.app.get("/things/{name}")
    async def thing(name: str) -> dict[str, str]:
        return {"name": name}

    @chassis.app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("of ada@example.com")

    @chassis.app.post("/orders/{order}")
    async def order(order: str) -> int:
        assert stock is not None
        return (await stock.post(f"/reserve/{order}", params={"token": "s3cret"})).status

    async def handle(message: Message) -> None:
        if message.payload.get("poison"):
            raise PoisonMessage("no such order")

    chassis.consume("order.placed", handle, group="stock")


PART = Part("traced", mount)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


def environ(url: str, **more: str) -> dict[str, str]:
    return {"SERVICE_NAME": "thing-service", "OTEL_EXPORTER_OTLP_ENDPOINT": url, **QUICKLY, **more}


def counted(app, result: str) -> float:
    label = f'spans_exported_total{{result="{result}",service="thing-service"}} '
    lines = app.chassis.metrics.exposition().decode().splitlines()
    return next(float(line.removeprefix(label)) for line in lines if line.startswith(label))


async def test_a_request_is_a_span_below_its_callers_with_the_routes_template(collector):
    said = {
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=eu%2Dwest,service.namespace=shop",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=hush%3D1, x-scope = tenant",
    }
    app = create_app([PART], environ(f"{collector.url}/", **said))
    async with running(app) as client:
        await client.get("/things/zuse?token=s3cret", headers=SENT)
        await until(lambda: collector.spans)
    (span,) = collector.spans
    assert (span.name, span.kind, span.failed) == ("GET /things/{name}", "server", False)
    assert (span.trace_id, span.parent_id) == (TRACE, CALLER)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/things/{name}",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "network.protocol.version": "1.1",
    }
    assert span.resource["service.name"] == "thing-service"
    assert span.resource["service.namespace"] == "shop"
    assert span.resource["deployment.environment.name"] == "eu-west"
    assert span.written.flags == 0x301  # sampled; its parent is another process's, and known so
    ((_, headers, _),) = collector.asked
    assert (headers["api-key"], headers["x-scope"]) == ("hush=1", "tenant")
    assert counted(app, "sent") == 1
    for private in ("s3cret", "zuse", "hush"):
        assert private not in collector.bodies[0]


async def test_a_failure_is_marked_and_says_no_more_than_its_kind(collector):
    app = create_app([PART], environ(collector.url))
    async with running(app) as client:
        await client.get("/broken")
        await client.get("/nowhere/at/all")
        await client.request("BREW", "/things/tea")
        await until(lambda: len(collector.spans) == 3)
    broken = collector.of("GET /broken")
    assert broken.failed
    assert broken.attributes["error.type"] == "500"
    assert broken.written.status.message == ""
    # What is the caller's mistake is no failure of the one who says so.
    unmatched = collector.of("GET")
    assert not unmatched.failed
    assert unmatched.attributes["http.response.status_code"] == 404
    assert "http.route" not in unmatched.attributes
    odd = next(span for span in collector.spans if span.name.startswith("HTTP"))
    assert odd.attributes["http.request.method"] == "_OTHER"
    assert "ada@example.com" not in "".join(collector.bodies)


async def test_a_call_is_a_span_between_both_and_is_handed_on(collector):
    transport = FakeTransport({"POST /reserve/7": json_response(409, {"code": "sold_out"})})
    app = create_app(
        [PART], environ(collector.url, STOCK_URL="http://stock:8080"), transport=transport
    )
    async with running(app) as client:
        assert (await client.post("/orders/7", headers=SENT)).json() == 409
        await until(lambda: len(collector.spans) == 2)
    server, call = collector.of("POST /orders/{order}"), collector.of("POST stock")
    assert (call.kind, call.trace_id, call.parent_id) == ("client", TRACE, server.span_id)
    assert call.failed
    assert call.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 409,
        "server.address": "stock",
        "server.port": 8080,
        "error.type": "409",
    }
    handed_on = transport.requests[0].headers["traceparent"]
    assert handed_on == f"00-{TRACE}-{call.span_id}-01"


async def test_a_message_continues_its_publishers_trace(collector):
    bus = FakeBus()
    app = create_app(
        [PART],
        environ(collector.url, CONSUMES="order.placed", BROKER_URL="amqp://user:s3cret@broker"),
        bus=bus,
    )
    async with running(app):
        await bus.publish(Message("m-1", "order.placed", "7", {"name": "ada"}, SENT))
        await bus.publish(Message("m-2", "order.placed", "7", {"poison": True}, SENT))
        await until(lambda: len(collector.spans) == 2)
    taken, poison = collector.spans
    assert (taken.name, taken.kind) == ("process order.placed", "consumer")
    assert (taken.trace_id, taken.parent_id, taken.failed) == (TRACE, CALLER, False)
    assert taken.attributes == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "order.placed",
        "messaging.consumer.group.name": "stock",
        "messaging.message.id": "m-1",
    }
    assert (poison.failed, poison.attributes["error.type"]) == (True, "PoisonMessage")
    assert "s3cret" not in "".join(collector.bodies)


async def test_two_services_in_one_process_send_as_themselves(collector):
    one = create_app([PART], environ(collector.url, OTEL_SERVICE_NAME="one"))
    two = create_app([PART], environ(collector.url))
    silent = create_app([PART], {"SERVICE_NAME": "silent"})
    async with running(one) as first, running(two) as second, running(silent) as third:
        for client in (first, second, third):
            await client.get("/things/x", headers=SENT)
        await until(lambda: len(collector.spans) == 2)
    assert sorted(span.service for span in collector.spans) == ["one", "thing-service"]


async def test_what_asks_for_health_and_metrics_leaves_no_span(collector):
    app = create_app([PART], environ(collector.url))
    async with running(app) as client:
        for path in ("/health", "/health/live", "/health/ready", "/metrics", "/things/x"):
            await client.get(path)
        await until(lambda: collector.spans)
    assert [span.name for span in collector.spans] == ["GET /things/{name}"]


async def test_its_own_requests_leave_no_span(collector):
    app = create_app([PART], environ(collector.url))
    async with running(app) as client:
        for count in range(1, 6):
            await client.get("/things/x")
            await until(lambda count=count: len(collector.asked) == count)
    assert [number for _, _, number in collector.asked] == [1] * 5


@pytest.mark.parametrize(
    ("sampler", "arg", "parent", "sent"),
    [
        ("parentbased_traceidratio", "0", None, False),
        ("parentbased_traceidratio", "1", None, True),
        ("parentbased_traceidratio", "0", "01", True),
        ("parentbased_traceidratio", "1", "00", False),
        ("traceidratio", "0", "01", False),
        ("traceidratio", "1", "00", True),
        ("always_on", "", "00", True),
        ("always_off", "", "01", False),
        ("parentbased_always_off", "", None, False),
        ("", "", None, True),
    ],
)
async def test_the_sampler_decides_and_what_is_called_hears_of_it(
    collector, sampler, arg, parent, sent
):
    transport = FakeTransport({"POST /reserve/7": json_response(200, {})})
    more = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": arg}
    app = create_app(
        [PART], environ(collector.url, STOCK_URL="http://stock", **more), transport=transport
    )
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-{parent}"} if parent else {}
    async with running(app) as client:
        await client.post("/orders/7", headers=headers)
    handed_on = transport.requests[0].headers["traceparent"]
    assert int(handed_on[-2:], 16) & 1 == sent  # another bit says that the id is random
    assert parent is None or TRACE in handed_on
    assert len(collector.spans) == (2 if sent else 0)


async def test_a_tenth_is_about_a_tenth(collector):
    more = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}
    app = create_app([PART], environ(collector.url, **more))
    async with running(app) as client:
        for _ in range(1000):
            await client.get("/things/x")
    assert 40 < len(collector.spans) < 180  # six deviations either way


async def test_batches_go_when_they_are_full_and_else_after_their_time(collector):
    more = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10"}
    app = create_app([PART], environ(collector.url, **more))
    async with running(app) as client:
        await asyncio.sleep(0)  # the sender's task begins
        for _ in range(25):
            await client.get("/things/x")
        await until(lambda: len(collector.spans) == 20)
        assert [number for _, _, number in collector.asked] == [10, 10]
    assert [number for _, _, number in collector.asked] == [10, 10, 5]  # its end


async def test_a_full_queue_drops_and_counts_and_never_waits():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # it takes a connection, and never says a word
        more = {"OTEL_BSP_MAX_QUEUE_SIZE": "20", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5"}
        app = create_app([PART], environ(f"http://127.0.0.1:{silent.getsockname()[1]}", **more))
        async with running(app) as client:
            slowest = 0.0
            for _ in range(200):
                begun = time.perf_counter()
                assert (await client.get("/things/x")).status == 200
                slowest = max(slowest, time.perf_counter() - begun)
            assert 170 <= counted(app, "dropped") <= 180  # 20 wait, and 5 may be in hand
            begun = time.perf_counter()
        assert time.perf_counter() - begun < otlp_exporter.CLOSE_S + 2
    assert slowest < 1.0
    assert counted(app, "sent") == 0
    assert counted(app, "dropped") + counted(app, "lost") == 200


async def test_a_collector_that_is_away_and_comes_gets_what_waited(monkeypatch, capsys):
    monkeypatch.setattr(otlp_exporter, "PAUSE_S", 0.05)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    key = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=hush-hush"}
    app = create_app([PART], environ(f"http://127.0.0.1:{port}", **key))
    async with running(app) as client:
        for _ in range(3):
            assert (await client.get("/things/x")).status == 200
        await asyncio.sleep(0.3)
        with collecting(port) as late:
            await until(lambda: len(late.spans) == 3)
            await until(lambda: counted(app, "sent") == 3)
    said = capsys.readouterr().out
    events = [json.loads(line) for line in said.splitlines()]
    spoken = [event["event"] for event in events if event.get("component") == "spans"]
    assert spoken == ["the collector does not accept spans", "the collector accepts spans again"]
    assert "hush" not in said


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_may_be_sent_again_is(collector, monkeypatch, status):
    monkeypatch.setattr(otlp_exporter, "PAUSE_S", 0.02)
    collector.answers += [Told(status)] * 3
    app = create_app([PART], environ(collector.url))
    async with running(app) as client:
        await client.get("/things/x")
        await until(lambda: counted(app, "sent") == 1)
    times = [at for at, _, _ in collector.asked]
    assert len(times) == 4
    assert times[3] - times[2] > 0.04  # the pause grows: the third is 0.04 to 0.08 s


@pytest.mark.parametrize("as_date", [False, True])
async def test_a_pause_that_is_asked_for_is_kept(collector, as_date):
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    collector.answers.append(Told(503, {"Retry-After": at if as_date else "1"}))
    app = create_app([PART], environ(collector.url))
    async with running(app) as client:
        await client.get("/things/x")
        await until(lambda: len(collector.asked) == 1)
        for _ in range(5):
            await client.get("/things/y")
        await until(lambda: counted(app, "sent") == 6)
    first, second = collector.asked[0][0], collector.asked[1][0]
    assert second - first >= (0.5 if as_date else 1.0)  # a date has whole seconds


@pytest.mark.parametrize("status", [301, 400, 401, 404, 413, 500, 501])
async def test_what_is_refused_for_good_is_not_sent_again(collector, status):
    collector.answers.append(Told(status))
    app = create_app([PART], environ(collector.url))
    async with running(app) as client:
        await client.get("/things/x")
        await until(lambda: counted(app, "refused") == 1)
        await client.get("/things/y")
        await until(lambda: collector.spans)
    assert [number for _, _, number in collector.asked] == [1, 1]


async def test_a_partial_refusal_is_counted(collector):
    partial = {"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}}
    collector.answers.append(Told(body=json.dumps(partial)))
    app = create_app([PART], environ(collector.url, OTEL_BSP_SCHEDULE_DELAY="60000"))
    async with running(app) as client:
        await client.get("/things/x")
        await client.get("/things/y")
    assert (counted(app, "sent"), counted(app, "refused")) == (1, 1)


async def test_a_batch_that_never_goes_is_given_up(collector, monkeypatch):
    monkeypatch.setattr(otlp_exporter, "PAUSE_S", 0.01)
    collector.answers += [Told(503)] * 40
    app = create_app([PART], environ(collector.url))
    async with running(app) as client:
        await client.get("/things/x")
        await until(lambda: len(collector.asked) >= 3)
        assert counted(app, "lost") == 0
        loop = asyncio.get_running_loop()
        real_time = loop.time
        monkeypatch.setattr(loop, "time", lambda: real_time() + otlp_exporter.GIVE_UP_S)
        await until(lambda: counted(app, "lost") == 1)
        collector.answers.clear()
        await client.get("/things/y")
        await until(lambda: collector.spans)


async def test_what_waits_at_the_end_is_sent(collector, monkeypatch):
    monkeypatch.setattr("tarmac_kit.otlp_exporter.CLOSE_S", 60.0)  # the machine may be busy
    collector.answers.append(Told(delay_s=0.3))
    app = create_app([PART], environ(collector.url, OTEL_BSP_SCHEDULE_DELAY="60000"))
    async with running(app) as client:
        for _ in range(700):
            await client.get("/things/x")
    assert len(collector.spans) == counted(app, "sent") == 700


async def test_a_collector_that_asked_for_a_pause_is_not_asked_at_the_end(collector):
    collector.answers.append(Told(503, {"Retry-After": "100"}))
    app = create_app([PART], environ(collector.url))
    async with running(app) as client:
        await client.get("/things/x")
        await until(lambda: collector.asked)
        await asyncio.sleep(0.1)
        begun = time.perf_counter()
    assert time.perf_counter() - begun < 30  # and not 100
    assert len(collector.asked) == 1
    assert counted(app, "lost") == 1


async def test_attributes_and_events_of_a_part_keep_their_types(collector):
    app = create_app([PART], environ(collector.url))
    async with running(app):
        with trace.span("work", attributes={"n": 2**40, "yes": True, "x": 0.5}) as span:
            span.set_attribute("list", ["a", "b"])
            span.set_attribute("nan", math.nan)
            span.add_event("half", {"way": 1})
        await until(lambda: collector.spans)
    (span,) = collector.spans
    said = span.attributes
    assert (said["n"], said["yes"], said["x"], said["nan"]) == (2**40, True, 0.5, "nan")
    assert [value.string_value for value in said["list"].values] == ["a", "b"]
    assert [event.name for event in span.written.events] == ["half"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "no address of OTLP over HTTP"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://u:hush@c", "no address of OTLP over HTTP"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://ada:hush@collector", "it has credentials"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hush", "not NAME=VALUE"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "key=hush%0d%0aHost: other", "not NAME=VALUE"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "is wrong (grpc)"),
        ("OTEL_TRACES_SAMPLER", "sometimes", "is wrong (sometimes)"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5", "is wrong (1.5)"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "is wrong (0)"),
    ],
)
def test_a_wrong_variable_is_said_without_a_secret(name, value, expected):
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", name: value}
    with pytest.raises(SettingsError) as caught:
        create_app([PART], {"SERVICE_NAME": "thing", **given})
    (line,) = caught.value.lines
    assert line.startswith(f"thing: {name} is wrong")
    assert expected in line
    assert "hush" not in line


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_SERVICE_NAME": "other", "OTEL_TRACES_SAMPLER": "always_on"},
    ],
)
def test_without_an_address_nothing_is_made_or_imported(given):
    code = """
import asyncio, json, sys
from tarmac_kit import Part, create_app
from tarmac_kit_testing import running
given = {"SERVICE_NAME": "x", **json.loads(sys.argv[1])}
app = create_app([Part("none", lambda chassis: None)], given)
async def main():
    async with running(app) as client:
        await client.get("/x")
        await asyncio.sleep(0.05)
        return [task.get_name() for task in asyncio.all_tasks()]
assert "spans" not in asyncio.run(main())
wanted = ("opentelemetry.sdk", "tarmac_kit.otlp", "tarmac_kit.statements")
sys.exit(str([name for name in sys.modules if name.startswith(wanted)] or "nothing"))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(given)], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "nothing"


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
async def test_it_can_be_switched_off_by_name(collector, off):
    app = create_app([PART], environ(collector.url, **off))
    async with running(app) as client:
        await client.get("/things/x")
        await asyncio.sleep(0.1)
    assert app.chassis.spans is None
    assert collector.asked == []


async def test_the_address_for_traces_is_taken_as_it_is(collector):
    own = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces"}
    app = create_app([PART], environ("http://127.0.0.1:9", **own))
    async with running(app) as client:
        await client.get("/things/x")
        await until(lambda: collector.spans)
    assert collector.asked
