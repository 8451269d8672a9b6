"""The limits of a service: what is refused, with which answer, and what is let through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter, Depends, Request
from starlette.responses import StreamingResponse

from tarmac_kit import Chassis, Part, SettingsError, create_app
from tarmac_kit.json_depth import JsonDepth
from tarmac_kit.limits import Limits, LimitSettings
from tarmac_kit.metrics import Metrics
from tarmac_kit.middleware import Event, Scope
from tarmac_kit.problems import Problem
from tarmac_kit_testing import running


def nobody() -> None:
    raise Problem(401, "unauthorized", "Log in")


def made(**environ: str) -> Any:
    """Make an app, what its routes were reached by, and the event that some wait for."""
    seen: list[str] = []
    gate = asyncio.Event()
    reached: asyncio.Queue[str] = asyncio.Queue()
    router = APIRouter()

    @router.post("/items")
    async def post(body: dict[str, Any]) -> int:
        seen.append("post")
        return len(body)

    @router.post("/private", dependencies=[Depends(nobody)])
    async def private(body: dict[str, Any]) -> int:
        return len(body)

    @router.put("/items/{name}/image")
    async def image(name: str, request: Request) -> int:
        seen.append(name)
        return len(await request.body())

    @router.get("/slow")
    async def slow() -> str:
        reached.put_nowait("slow")
        await gate.wait()
        return "done"

    @router.get("/events")
    async def events() -> StreamingResponse:
        async def feed() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"
            reached.put_nowait("events")
            await gate.wait()

        return StreamingResponse(feed(), media_type="text/event-stream")

    def mount(chassis: Chassis) -> None:
        chassis.limits.allow_body("/items/{name}/image", 5000)
        chassis.accept("image/png", "text/csv")
        chassis.include(router)

    app = create_app([Part(name="items", mount=mount)], {"SERVICE_NAME": "items", **environ})
    app.api.state.reached, app.api.state.gate = reached, gate
    return app, seen


async def send(
    app: Any, path: str, pieces: list[bytes], *, ends: bool = True, **headers: str
) -> tuple[int, dict, bytes]:
    """Send a body in pieces of chunked coding; return the answer and how many were taken."""
    events: list[Event] = [{"type": "http.request", "body": p, "more_body": True} for p in pieces]
    if ends:
        events.append({"type": "http.request", "body": b"", "more_body": False})
    answer: dict[str, Any] = {"body": b""}

    async def receive() -> Event:
        if not events:
            await asyncio.Event().wait()
        return events.pop(0)

    async def got(event: Event) -> None:
        answer.update({key: value for key, value in event.items() if key != "body"})
        answer["body"] += event.get("body", b"")

    named = {"content-type": "application/json", "transfer-encoding": "chunked", **headers}
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "PUT" if path.endswith("image") else "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
    }
    await app(scope, receive, got)
    found = {name.decode().lower(): value.decode() for name, value in answer["headers"]}
    return answer["status"], found, answer["body"]


async def test_a_body_is_refused_by_its_length_before_it_is_read_and_before_a_login() -> None:
    app, seen = made(MAX_BODY_BYTES="100")
    async with running(app) as client:
        for path in ("/items", "/private"):
            answer = await client.post(path, json={"a": "x" * 100})
            assert answer.status == 413
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["connection"] == "close"
            assert answer.json()["code"] == "body_too_large"
        assert (await send(app, "/items", [b"x"], **{"content-length": "9" * 5000}))[0] == 413
        assert seen == []
        assert (await client.post("/items", json={"a": "x"})).json() == 1
        assert (await client.post("/private", json={})).status == 401


async def test_a_compressed_body_is_refused_with_415_before_it_is_read() -> None:
    app, seen = made()
    async with running(app):
        for coding in ("gzip", "br", "GZIP, identity"):
            status, _, body = await send(app, "/items", [b"{}"], **{"content-encoding": coding})
            assert (status, json.loads(body)["code"]) == (415, "body_encoded")
        status, _, _ = await send(app, "/items", [b"{}"], **{"content-encoding": "identity"})
        assert status == 200
    assert seen == ["post"]


async def test_a_body_without_a_length_is_refused_while_it_is_read() -> None:
    app, seen = made(MAX_BODY_BYTES="1000")
    async with running(app):
        status, headers, body = await send(app, "/items", [b'{"a": "'] + [b"x" * 100] * 100)
        assert (status, json.loads(body)["code"]) == (413, "body_too_large")
        assert headers["connection"] == "close"
        assert seen == []
        status, _, body = await send(app, "/items", [b'{"a": "', b"x" * 900, b'"}'])
        assert (status, body) == (200, b"1")


async def test_a_route_may_allow_larger_bodies() -> None:
    app, seen = made(MAX_BODY_BYTES="100")
    async with running(app) as client:
        for size, status in ((5000, 200), (5001, 413)):
            body = {"content": b"x" * size, "headers": {"content-type": "image/png"}}
            answer = await client.put("/items/lamp/image", **body)
            assert answer.status == status
        assert (await send(app, "/items/lamp/image", [b"x" * 3000] * 2))[0] == 413
        assert seen == ["lamp", "lamp"]


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ('{"a": [[1], {"b": 2}]}', True),
        ('{"a": [[[1]]]}', False),
        ("[[[]]]" * 50, True),
        ("[[[[", False),
        ('{"a": "[[[[\\"[[[["}', True),
        ('{"a": "\\\\", "b": [[[]]]}', False),
        ("]]]][[[[", True),
    ],
)
def test_the_depth_of_a_json_text_is_that_of_its_brackets(text, passes, size) -> None:
    depth, data = JsonDepth(3), text.encode()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert all(depth.feed(piece) for piece in pieces) == passes


async def test_json_that_is_nested_too_deeply_is_refused_and_other_bodies_are_not() -> None:
    app, seen = made(MAX_JSON_DEPTH="64")
    async with running(app) as client:
        deep = b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}"
        typed = {"content-type": "application/json"}
        answer = await client.post("/items", content=deep, headers=typed)
        assert (answer.status, answer.json()["code"]) == (400, "body_too_deep")
        assert (await send(app, "/items", [deep[:50], deep[50:]]))[0] == 400
        assert seen == []
        passing = deep.replace(b"[", b"", 1).replace(b"]", b"", 1)
        assert (await client.post("/items", content=passing, headers=typed)).status == 200
        plain = {"content-type": "text/csv"}
        answer = await client.put("/items/a/image", content=b"[" * 4000, headers=plain)
        assert answer.json() == 4000


async def test_a_body_that_does_not_come_in_time_is_refused() -> None:
    app, seen = made(BODY_TIMEOUT_S="0.05")
    async with running(app):
        status, headers, body = await send(app, "/items", [b'{"a": '], ends=False)
    assert (status, headers["connection"]) == (408, "close")
    assert json.loads(body)["code"] == "body_too_slow"
    assert seen == []


async def test_more_requests_at_once_than_allowed_are_told_to_come_back() -> None:
    app, _ = made(MAX_REQUESTS_IN_FLIGHT="2")
    state, metrics = app.api.state, app.chassis.metrics
    async with running(app) as client, asyncio.TaskGroup() as group:
        waiting = []
        # Streams of events stay for long, so they are not counted.
        for path in ("/events", "/events", "/events", "/slow", "/slow"):
            waiting.append(group.create_task(client.get(path)))
            await state.reached.get()
        assert (metrics.in_flight, metrics.streams) == (5, 3)
        refused = await client.get("/slow")
        assert (refused.status, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"] == "1"
        assert (await client.get("/health/live")).status == 200
        assert (await client.get("/metrics")).status == 200
        state.gate.set()
        assert [(await task).status for task in waiting] == [200] * 5
        assert (await client.get("/slow")).status == 200
    assert (metrics.in_flight, metrics.streams) == (0, 0)


class World:
    """Limits around an app that answers nothing, on a clock of its own."""

    def __init__(self, **wanted: Any) -> None:
        self.now = 0.0
        limits = Limits(LimitSettings(**wanted), Metrics("x"), clock=lambda: self.now)
        self._app = limits.around(self._inner)
        self._passed = False

    async def _inner(self, *_: Any) -> None:
        self._passed = True

    async def ask(self, address: str = "10.0.0.1", **headers: str) -> dict[str, str] | None:
        """Return None for what passes, else the headers of the 429."""
        self._passed, sent = False, []
        named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        scope: Scope = {"type": "http", "path": "/", "headers": named, "client": (address, 1)}

        async def send(event: Event) -> None:
            sent.append(event)

        await self._app(scope, asyncio.Event().wait, send)  # type: ignore[arg-type]
        if self._passed:
            return None
        assert sent[0]["status"] == 429
        return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


async def test_a_rate_is_an_address_s_and_a_caller_s() -> None:
    world = World(rate_limit_per_minute=60, rate_limit_burst=3)
    assert [await world.ask() for _ in range(3)] == [None] * 3
    refused = await world.ask()
    assert refused is not None
    assert refused["retry-after"] == "1"
    assert await world.ask("10.0.0.2") is None
    world.now += 1
    assert await world.ask() is None
    assert await world.ask() is not None
    # One caller at many addresses; another credential at one of them is another caller.
    for last in range(3):
        assert await world.ask(f"10.0.1.{last}", authorization="Bearer a") is None
    assert await world.ask("10.0.1.9", authorization="Bearer a") is not None
    assert await world.ask("10.0.1.9", authorization="Bearer b") is None
    # False credentials do not help an address.
    false_ones = [await world.ask("10.0.2.1", authorization=f"Bearer {n}") for n in range(4)]
    assert false_ones[:3] == [None] * 3
    assert false_ones[3] is not None


async def test_a_client_behind_a_trusted_proxy_is_told_by_what_the_proxy_says() -> None:
    wanted = {"rate_limit_per_minute": 60, "rate_limit_burst": 1}
    trusting = World(**wanted, trusted_proxies="10.0.0.0/8")
    for last in range(5):
        assert await trusting.ask(x_forwarded_for=f"203.0.113.{last}") is None
    assert await trusting.ask(x_forwarded_for="9.9.9.9, 203.0.113.1") is not None
    plain = World(**wanted)
    assert await plain.ask(x_forwarded_for="203.0.113.1") is None
    assert await plain.ask(x_forwarded_for="203.0.113.2") is not None


async def test_zero_is_no_limit() -> None:
    app, _ = made(
        MAX_BODY_BYTES="0",
        MAX_JSON_DEPTH="0",
        MAX_REQUESTS_IN_FLIGHT="0",
        RATE_LIMIT_PER_MINUTE="0",
        RATE_LIMIT_BURST="1",
    )
    async with running(app) as client:
        for _ in range(3):
            answer = await client.post("/items", json={"a": "x" * 2_000_000, "b": _nested(100)})
            assert answer.status == 200


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_wrong_limits_are_named() -> None:
    with pytest.raises(SettingsError, match=r"MAX_BODY_BYTES is wrong \(-1\)"):
        made(MAX_BODY_BYTES="-1")
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES is wrong"):
        made(TRUSTED_PROXIES="nowhere")


async def test_the_api_document_has_the_problems_as_they_are_sent() -> None:
    app, _ = made()
    async with running(app) as client:
        document = (await client.get("/openapi.json")).json()
        wrong = await client.post("/items", json=[])
    answers = document["paths"]["/items"]["post"]["responses"]
    assert wrong.headers["content-type"] == "application/problem+json"
    for status in ("422", "413", "429"):
        (kind,) = answers[status]["content"]
        assert kind == "application/problem+json"
    schema = document["components"]["schemas"]["Problem"]
    assert wrong.json().keys() <= schema["properties"].keys()
    assert set(schema["required"]) <= wrong.json().keys()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "413" not in document["paths"]["/slow"]["get"]["responses"]
