"""Errors as a tracker receives them: a stub that speaks Sentry's envelopes, on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from tarmac_kit import Chassis, Part, SettingsError, create_app
from tarmac_kit.error_reporter import MOST_CHARS, masked
from tarmac_kit_testing import running

TRACE = "0af7651916cd43dd8448eb211c80319c"


@dataclass
class Tracker:
    """What a tracker was sent."""

    dsn: str
    events: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, request: web.Request) -> web.Response:
        raw = await request.read()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
        self.bodies.append(text)
        _, header, payload = text.split("\n", 2)
        assert json.loads(header)["type"] == "event"
        self.events.append(json.loads(payload.split("\n", 1)[0]))
        self.came.set()
        return web.json_response({})


@pytest.fixture
async def tracker() -> AsyncIterator[Tracker]:
    app = web.Application()
    runner = web.AppRunner(app)
    made = Tracker("")
    app.router.add_post("/api/7/envelope/", made.receive)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made.dsn = f"http://publickey@127.0.0.1:{port}/7"
    yield made
    await runner.cleanup()


class CardDeclined(Exception):
    """An error of the test's service."""


def refuse(card: str) -> None:
    raise ValueError(f"token=tok_live_9f8e7d of ada@example.com refused card {len(card)}")


def mount(chassis: Chassis) -> None:
    @chassis.app.post("/pay/{order}")
    async def pay(order: str) -> None:
        try:
            refuse("4242424242424242")
        except ValueError as error:
            raise CardDeclined("no money came") from error

    async def fails() -> None:
        raise RuntimeError("the sweep is broken")

    if chassis.bound("SWEEP"):
        chassis.background("sweep", fails)


PART = Part("paying", mount)


def environ(tracker: Tracker, **more: str) -> dict[str, str]:
    return {
        "SERVICE_NAME": "payment-service",
        "SENTRY_DSN": tracker.dsn,
        "SENTRY_ENVIRONMENT": "staging",
        "SENTRY_RELEASE": "2026.11.20",
        **more,
    }


async def test_an_error_arrives_with_release_environment_service_and_trace(tracker):
    app = create_app([PART], environ(tracker))
    async with running(app) as client, asyncio.timeout(60):
        answer = await client.post(
            "/pay/4711",
            json={"card": "4000056655665556"},
            headers={
                "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
                "Authorization": "Bearer very-secret-credential",
            },
        )
        await tracker.came.wait()
    assert answer.status == 500
    (event,) = tracker.events
    assert event["release"] == "2026.11.20"
    assert event["environment"] == "staging"
    assert event["server_name"] == "payment-service"
    assert event["tags"]["service"] == "payment-service"
    assert event["contexts"]["trace"]["trace_id"] == TRACE
    assert event["transaction"] == "/pay/{order}"
    kinds = [value["type"] for value in event["exception"]["values"]]
    assert kinds == ["ValueError", "CardDeclined"]
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "pay"
    assert not any("vars" in frame for frame in frames)


async def test_an_event_has_no_body_header_path_address_or_token(tracker):
    app = create_app([PART], environ(tracker))
    async with running(app) as client, asyncio.timeout(60):
        await client.post(
            "/pay/4711",
            json={"card": "4000056655665556"},
            headers={"Authorization": "Bearer very-secret-credential", "Cookie": "session=abc"},
        )
        await tracker.came.wait()
    (event,) = tracker.events
    assert not {"request", "user", "breadcrumbs"} & set(event)
    (text,) = tracker.bodies
    for private in ("4000056655665556", "very-secret", "session=abc", "/pay/4711", "publickey@"):
        assert private not in text
    told = event["exception"]["values"][0]["value"]
    assert told == "token=*** of ***@*** refused card 16"


async def test_a_background_task_that_fails_is_an_event_too(tracker):
    app = create_app([PART], environ(tracker, SWEEP="on"))
    async with running(app), asyncio.timeout(60):
        await tracker.came.wait()
    assert tracker.events[0]["exception"]["values"][-1]["value"] == "the sweep is broken"
    assert tracker.events[0]["tags"]["task"] == "sweep"


async def test_a_tracker_that_is_away_changes_no_answer():
    away = Tracker("http://publickey@127.0.0.1:9/7")
    app = create_app([PART], environ(away))
    async with running(app) as client, asyncio.timeout(60):
        answer = await client.post("/pay/1")
    assert answer.status == 500
    assert answer.json()["code"] == "internal_error"


def test_a_dsn_that_is_none_is_a_line_at_start():
    with pytest.raises(SettingsError) as caught:
        create_app([PART], {"SERVICE_NAME": "pay", "SENTRY_DSN": "not a dsn"})
    assert caught.value.lines == [
        "pay: SENTRY_DSN is wrong: not a DSN; write https://KEY@HOST/PROJECT"
    ]


def test_without_a_dsn_the_library_is_never_imported():
    code = (
        "import sys; from tarmac_kit import create_app; "
        "app = create_app([], {'SERVICE_NAME': 'x'}); "
        "assert app.api.state.error_reporter is None; sys.exit('sentry_sdk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://orders:s3cret@db/x", "postgresql://orders:***@db/x"),
        ("to ada.l+x@example.co.uk now", "to ***@*** now"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ('{"password": "open sesame", "n": 1}', '{"password": ***, "n": 1}'),
        ("eyJhbGciOiJSUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl", "***"),
        ("order 5eed0000-0000-4000-8000-000000001003 is gone",) * 2,
        ("x " * MOST_CHARS, ("x " * MOST_CHARS)[:MOST_CHARS]),
    ],
)
def test_what_is_private_in_a_message_is_masked(text, shown):
    assert masked(text) == shown
