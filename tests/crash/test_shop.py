"""The shop, with each of its services crashed at every step of its customers' journeys.

TARMAC_CRASH_ALL=1 .venv/bin/pytest -s tests/crash      every step; else a sample of them
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP
from crashed import ALL
from crashed_shop import EMAILS, JOURNEYS, SHOP

from tarmac_kit_testing import Journey, World, crashing

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800 if ALL else 240)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(server_url: str) -> AsyncIterator[World]:
    """Give the shop's services, running, and a mail server that outlives them."""
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(EMAILS, hostname="mail"), "127.0.0.1", 0)
    smtp_url = f"smtp://127.0.0.1:{mail.sockets[0].getsockname()[1]}"
    async with mail, crashing(server_url, SHOP.hosted(smtp_url=smtp_url)) as world:
        yield world


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.name)
async def test_no_crash_loses_doubles_or_oversells_anything(shop: World, journey: Journey) -> None:
    reports = await SHOP.crash(shop, journey)
    assert all(report.ok for report in reports)
    assert sum(report.crashes for report in reports) > 0


@pytest.mark.asyncio(loop_scope="module")
async def test_a_start_that_is_cut_short_harms_nothing_that_comes_after_it(shop: World) -> None:
    services = ("order-service", "product-service", "payment-service")
    reports = await SHOP.crash(shop, JOURNEYS[0], *services, starting=True)
    assert all(report.ok for report in reports)
    assert all(report.crashes > 0 for report in reports)
