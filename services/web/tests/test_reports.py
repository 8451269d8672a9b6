"""Errors of scripts in browsers, from a page to the tracker's stub."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from aiohttp import web
from visiting import SECRET, shop_api

from tarmac_kit import create_app
from tarmac_kit_testing import running
from tarmac_web.app import PART
from tarmac_web.reports import MOST_BYTES, Report, to_event

REPORT = {
    "message": "Uncaught TypeError: ada@example.com is not a function",
    "source": "http://shop.test/static/quotes.0123456789ab.js?x=1",
    "line": 10,
    "column": 5,
    "stack": "TypeError: x\n    at paint (http://shop.test/static/quotes.0123456789ab.js:10:5)\n"
    "    at http://shop.test/static/page.js:3:1",
    "page": "/orders/0badcafe-0000-4000-8000-00000000aaaa",
}


@pytest.fixture
async def tracker():
    events: asyncio.Queue = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        raw = await request.read()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
        events.put_nowait(json.loads(text.split("\n")[2]))
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/api/7/envelope/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    events.dsn = f"http://key@127.0.0.1:{runner.addresses[0][1]}/7"
    yield events
    await runner.cleanup()


async def report(client, body=None, **headers):
    sent = {"sec-fetch-site": "same-origin", "content-type": "application/json", **headers}
    content = json.dumps(REPORT if body is None else body).encode()
    return await client.post("/client-errors", content=content, headers=sent)


def pages(**environ):
    named = {"API_URL": "http://api", "SESSION_SECRET": SECRET, "SERVICE_NAME": "storefront"}
    return create_app([PART], {**named, **environ}, transport=shop_api())


async def test_a_scripts_error_arrives_as_an_event_of_the_page(tracker):
    app = pages(SENTRY_DSN=tracker.dsn, SENTRY_RELEASE="r1", SENTRY_ENVIRONMENT="staging")
    async with running(app) as client, asyncio.timeout(60):
        assert (await report(client)).status == 204
        event = await tracker.get()
    assert event["platform"] == "javascript"
    assert (event["release"], event["environment"]) == ("r1", "staging")
    assert event["tags"]["service"] == "storefront"
    assert event["transaction"] == "/orders/*"
    (value,) = event["exception"]["values"]
    assert value["type"] == "TypeError"
    assert value["value"] == "***@*** is not a function"
    functions = [frame["function"] for frame in value["stacktrace"]["frames"]]
    assert functions == ["?", "paint"]
    assert value["stacktrace"]["frames"][-1]["filename"] == "/static/quotes.0123456789ab.js"
    assert "user" not in event
    assert "request" not in event


async def test_an_error_of_a_page_itself_arrives_too(tracker):
    app = pages(SENTRY_DSN=tracker.dsn)
    del app.chassis.transport.answers["GET /api/products"].headers["content-type"]
    app.chassis.transport.answers["GET /api/products"] = RuntimeError("a bug")
    async with running(app) as client, asyncio.timeout(60):
        assert (await client.get("/products")).status == 500
        event = await tracker.get()
    assert event["platform"] == "python"
    assert event["exception"]["values"][-1]["value"] == "a bug"
    assert event["transaction"] == "/products"


async def test_without_a_tracker_it_is_a_line_in_the_log(capsys):
    async with running(pages()) as client:
        assert (await report(client)).status == 204
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [entry for entry in lines if entry["event"] == "a page's script failed"]
    assert "ada@example.com" not in line["message"]
    assert line["place"] == "/static/quotes.0123456789ab.js:10"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_another_site_reports_nothing(headers):
    async with running(pages()) as client:
        assert (await report(client, **headers)).status == 403


async def test_an_old_browser_is_known_by_its_origin():
    async with running(pages()) as client:
        content = json.dumps(REPORT).encode()
        for origin, status in (("http://test", 204), ("http://evil", 403)):
            headers = {"origin": origin, "host": "test"}
            answer = await client.post("/client-errors", content=content, headers=headers)
            assert answer.status == status


async def test_an_origin_that_is_no_address_is_not_ours():
    async with running(pages()) as client:
        headers = {"origin": "http://[", "host": "test"}
        assert (await client.post("/client-errors", content=b"{}", headers=headers)).status == 403


@pytest.mark.parametrize(
    "changes", [{"page": "//["}, {"source": "http://[x", "stack": ""}, {"stack": "@http://[x:1:2"}]
)
async def test_addresses_that_are_none_leave_a_report_a_report(changes):
    async with running(pages()) as client:
        assert (await report(client, {**REPORT, **changes})).status == 204


@pytest.mark.parametrize(
    "body", [{}, [], {"message": ""}, {"message": "x", "line": -1}, {"message": "x" * 501}]
)
async def test_what_is_no_report_is_refused(body):
    async with running(pages()) as client:
        assert (await report(client, body)).status == 422


async def test_a_report_that_is_too_large_is_refused():
    async with running(pages()) as client:
        assert (await report(client, {"message": "x", "more": "y" * MOST_BYTES})).status == 413


async def test_a_browser_that_reports_without_end_is_told_to_stop():
    async with running(pages()) as client:
        statuses = [(await report(client)).status for _ in range(8)]
    assert statuses[:5] == [204] * 5
    assert 429 in statuses


def test_a_report_without_a_stack_names_the_place():
    event = to_event(Report(message="Script error", source="/static/page.js", line=3))
    (value,) = event["exception"]["values"]
    assert value["type"] == "Error"
    assert value["stacktrace"]["frames"][0]["lineno"] == 3


def test_a_stack_of_firefox_is_read():
    stack = "paint@http://shop.test/static/quotes.js:10:5\n@http://shop.test/static/page.js:1:2\n"
    event = to_event(Report(message="x", stack=stack, page="/instruments/TARM"))
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame["function"] for frame in frames] == ["?", "paint"]
    assert event["tags"]["route"] == "/instruments/*"
