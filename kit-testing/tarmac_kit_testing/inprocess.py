"""Runs an app and calls it within the process, without a network.

Re-exported by `testing`, for tests only. Requests go through all of the kit's middleware.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partialmethod
from typing import Any
from urllib.parse import unquote, urlencode

from tarmac_kit.app import Application
from tarmac_kit.client import Response
from tarmac_kit.jsons import to_json
from tarmac_kit.middleware import Event, Scope


class InProcess:
    """Calls an app without a network; made by `running`."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Response:
        """Send one request, with `token` as bearer token, and return the answer."""
        sent = {"host": "test", **{name.lower(): value for name, value in (headers or {}).items()}}
        body = content or b""
        if json is not None:
            body = jsonlib.dumps(json, default=to_json).encode()
            sent.setdefault("content-type", "application/json")
        if body:
            sent["content-length"] = str(len(body))
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        raw_path, _, query = path.partition("?")
        if params:
            query = "&".join(part for part in (query, urlencode(params, doseq=True)) if part)
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        return await _exchange(self.app, scope, body)

    #: `get(path, **options)` and so on, as `Client` has them.
    get = partialmethod(request, "GET")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")


async def _exchange(app: Application, scope: Scope, body: bytes) -> Response:
    asked = asyncio.Event()
    start: Event = {}
    chunks: list[bytes] = []

    async def receive() -> Event:
        if asked.is_set():
            # The client stays: a disconnect would be news that no test asked for.
            await asyncio.Event().wait()
        asked.set()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: Event) -> None:
        if event["type"] == "http.response.start":
            start.update(event)
        else:
            chunks.append(event.get("body", b""))

    await app(scope, receive, send)
    headers = {name.decode().lower(): value.decode() for name, value in start.get("headers", ())}
    is_head = scope["method"] == "HEAD"  # servers leave the body out
    return Response(start["status"], headers, b"" if is_head else b"".join(chunks))


@asynccontextmanager
async def running(app: Application, *, timeout_s: float = 10.0) -> AsyncIterator[InProcess]:
    """Start `app`, wait until its stores are open, and give an in-process client; then stop it.

    Raises RuntimeError when it cannot start.
    """
    chassis = app.chassis
    await chassis.start()
    try:
        async with asyncio.timeout(timeout_s):
            await chassis.opened()
        yield InProcess(app)
    finally:
        await chassis.stop()
