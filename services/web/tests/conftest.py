"""Fixtures: pages with some settings over some API, and time that passes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from visiting import SECRET, Browser, shop_api

from tarmac_kit import create_app
from tarmac_kit_testing import FakeTransport, running
from tarmac_web.app import PART

Open = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def browse(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """Give a way to open a browser on pages with some settings, over some API."""
    async with AsyncExitStack() as stack:

        async def open_(api: FakeTransport | None = None, **environ: str) -> Browser:
            api = shop_api() if api is None else api
            named = {"API_URL": "http://api", "SESSION_SECRET": SECRET, "SERVICE_NAME": "web"}
            app = create_app([PART], {**named, **environ}, transport=api)
            await stack.enter_async_context(running(app))
            # What is kept for two seconds would hide what a test changes in between.
            monkeypatch.setattr("tarmac_web.api.KEEP_S", 0.0)
            return Browser(app, api)

        yield open_


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Give a way to let time pass for sessions and tokens."""
    real, passed = time.time, [0.0]
    monkeypatch.setattr("tarmac_web.visit.time.time", lambda: real() + passed[0])

    def pass_(seconds: float) -> None:
        passed[0] += seconds

    return pass_
