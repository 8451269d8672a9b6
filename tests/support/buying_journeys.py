"""Journeys of a small shop, as its `journeys.py` has them: used by the tests of exported loads."""

from __future__ import annotations

import asyncio
import itertools
import json
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

Visit = Callable[[], Awaitable[None]]


def _send(method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
    data = None if body is None else json.dumps(body).encode()
    if data:
        headers = {**headers, "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request) as response:
        return json.loads(response.read())


async def _ask(method: str, url: str, body: Any = None, **headers: str) -> Any:
    return await asyncio.to_thread(_send, method, url, body, headers)


@asynccontextmanager
async def buy(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Have two users take turns: fill a cart, and poll until it is done."""
    print("a journey may print")
    shop, users = urls["shop"], []
    for _ in range(2):
        user = {"email": f"ann-{uuid.uuid4().hex[:12]}@example.com"}
        await _ask("POST", f"{shop}/users", user)
        users.append(await _ask("POST", f"{shop}/login", user))
    turns = itertools.cycle(users)

    async def visit() -> None:
        bearer = {"Authorization": f"Bearer {next(turns)['token']}", "X-Key": str(uuid.uuid4())}
        cart = await _ask("POST", f"{shop}/carts", {"lines": []}, **bearer)
        line = {"cart_id": cart["id"], "sku": "a-word-that-stays-as-it-is", "quantity": 1}
        await _ask("POST", f"{shop}/carts/{cart['id']}/lines", line, **bearer)
        while (await _ask("GET", f"{shop}/carts/{cart['id']}", **bearer))["state"] != "done":
            pass

    yield visit


@asynccontextmanager
async def fails(_: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Have each visit fail."""

    async def visit() -> None:
        raise RuntimeError("sold out")

    yield visit


@asynccontextmanager
async def nothing(_: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Ask nothing."""

    async def visit() -> None:
        """Ask nothing."""

    yield visit


JOURNEYS = {"buy": buy, "fails": fails, "nothing": nothing}
