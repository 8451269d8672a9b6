"""Whose deadline the gateway keeps: a declared caller's, and no client's."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from echoing import echo, seen

from tarmac_kit import Chassis


@pytest.fixture
def believing(monkeypatch):
    """Take every request for one of a declared caller, whose deadline counts."""
    monkeypatch.setattr(Chassis, "believes_deadline", lambda *_: True)


async def test_a_clients_deadline_neither_fails_its_request_nor_reaches_a_backend(world, bearer):
    await world.backend("order-service", echo)
    url = await world.gateway(ORDER_SERVICE_TIMEOUT_S="2", TRUSTED_PROXIES="127.0.0.0/8")
    for claimed in ("1", "0", "-5", "60000"):
        headers = {**bearer, "X-Request-Timeout-Ms": claimed}
        async with world.client.get(f"{url}/api/orders", headers=headers) as response:
            assert response.status == 200
            [told_ms] = seen(json.loads(await response.read()), "x-request-timeout-ms")
        assert 1000 < int(told_ms) <= 2000
    async with world.client.get(f"{url}/metrics") as response:
        assert 'status="5' not in await response.text()


@pytest.mark.usefixtures("believing")
async def test_the_callers_shorter_deadline_is_passed_on_and_a_longer_one_is_not(world, bearer):
    await world.backend("order-service", echo)
    url = await world.gateway(ORDER_SERVICE_TIMEOUT_S="2")
    told = []
    for claimed in ("500", "60000"):
        headers = {**bearer, "X-Request-Timeout-Ms": claimed}
        async with world.client.get(f"{url}/api/orders", headers=headers) as response:
            told.append(int(seen(json.loads(await response.read()), "x-request-timeout-ms")[0]))
    assert told[0] <= 500
    assert 1000 < told[1] <= 2000


@pytest.mark.usefixtures("believing")
async def test_a_callers_own_deadline_ends_a_slow_request_with_a_whole_answer(world, bearer):
    hang = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        await hang.wait()
        return web.Response()

    await world.backend("order-service", handler, handler_cancellation=True)
    url = await world.gateway(ORDER_SERVICE_TIMEOUT_S="20")
    headers = {**bearer, "X-Request-Timeout-Ms": "150"}
    async with world.client.get(f"{url}/api/orders", headers=headers) as response:
        problem = json.loads(await response.read())
    assert response.status == 504
    # On a machine that has much else to do, the request's own timer may be looked at first.
    if problem["code"] != "deadline_exceeded":
        assert problem["code"] == "upstream_timeout"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
