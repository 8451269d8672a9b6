"""One trace over two processes, a database and a message, as a collector on loopback gets it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from collecting import Collector, collecting
from free_ports import free_port

pytestmark = pytest.mark.servers

PARTS = Path(__file__).parent.parent / "parts"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@asynccontextmanager
async def service(name: str, collector: str, **env: str) -> AsyncIterator[str]:
    """Serve the part as `name` until it is told to end; it must end well."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tarmac_kit.serve", "tarmac_traced"),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PARTS),
            "SERVICE_NAME": name,
            "PORT": str(port),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OTEL_BSP_SCHEDULE_DELAY": "60000",  # what comes, comes with the end
            "LOG_LEVEL": "warning",
            **env,
        },
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(60):
            while process.returncode is None:
                try:
                    async with http.get(f"{url}/health/ready") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientConnectorError:
                    pass
                await asyncio.sleep(0.02)
        yield url
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def handled(url: str) -> None:
    """Wait until the message was handled: the process counts it."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(60):
        while True:
            async with http.get(f"{url}/metrics") as answer:
                if 'result="ok",service="stock",topic="order.placed"} 1.0' in await answer.text():
                    return
            await asyncio.sleep(0.02)


@pytest.fixture
async def collector(database_url: str, nats_url: str) -> AsyncIterator[Collector]:
    """Order something once, with both services running; both have ended then."""
    bound = {"DATABASE_URL": database_url, "BROKER_URL": nats_url}
    with collecting() as made:
        async with (
            service("stock", made.url, **bound, CONSUMES="order.placed") as stock,
            service("orders", made.url, **bound, PUBLISHES="order.placed", STOCK_URL=stock) as own,
            aiohttp.ClientSession() as http,
        ):
            sent = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
            async with http.post(f"{own}/orders/ball?token=s3cret", headers=sent) as answer:
                assert answer.status == 200
            await handled(stock)
        yield made


async def test_one_order_is_one_trace_whose_parents_are_right_over_call_and_message(collector):
    assert {span.trace_id for span in collector.spans} == {TRACE}
    placed = collector.of("POST /orders/{item}")
    called = collector.of("GET stock")
    asked = collector.of("GET /stock/{item}")
    created = collector.of("create order.placed")
    processed = collector.of("process order.placed")
    chain = [placed, called, asked]
    assert [span.parent_id for span in chain] == [CALLER, placed.span_id, called.span_id]
    assert [span.service for span in chain] == ["orders", "orders", "stock"]
    assert (created.parent_id, processed.parent_id) == (placed.span_id, created.span_id)
    assert (created.service, processed.service) == ("orders", "stock")
    assert (created.kind, processed.kind) == ("producer", "consumer")
    assert created.attributes["messaging.system"] == "nats"
    same = "messaging.message.id"
    assert created.attributes[same] == processed.attributes[same]
    assert not any(span.failed for span in collector.spans)


async def test_statements_are_below_what_asked_for_them_and_have_no_text(collector):
    own = {span.span_id: span for span in collector.spans}
    statements = [span for span in collector.spans if "db.system.name" in span.attributes]
    found = {
        (own[statement.parent_id].name, statement.attributes["db.operation.name"])
        for statement in statements
    }
    slow = {(name, operation) for name, operation in found if operation == "COMMIT"}
    assert found - slow == {
        ("GET /stock/{item}", "SELECT"),
        ("create order.placed", "INSERT"),
        ("process order.placed", "INSERT"),
    }
    # One that did not wait for the disk has no span; whether it did is the machine's.
    assert slow <= {("POST /orders/{item}", "COMMIT"), ("process order.placed", "COMMIT")}
    assert all(
        span.written.end_time_unix_nano - span.written.start_time_unix_nano >= 5_000_000
        for span in statements
        if span.attributes["db.operation.name"] == "COMMIT"
    )
    for statement in statements:
        assert statement.kind == "client"
        assert statement.attributes["db.system.name"] == "postgresql"
        assert statement.attributes["db.namespace"]
        assert (
            own[statement.parent_id].written.start_time_unix_nano
            < statement.written.end_time_unix_nano
        )
    sent = "".join(collector.bodies)
    for private in ("s3cret", "ball", "insert into", "select 7"):
        assert private not in sent
