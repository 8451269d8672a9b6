"""hello-dd, with each of its services crashed at every step of a purchase and of a price list.

TARMAC_CRASH_ALL=1 .venv/bin/pytest -s tests/crash/test_hello_dd.py      every step; else a sample
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from crashed import ALL, kinds_of
from crashed_hello import HELLO, JOURNEYS, PRICES, short_leases

from tarmac_inventory import service as inventory
from tarmac_inventory.domain import Answer, ReservationState
from tarmac_kit_testing import Journey, World, crashing
from tarmac_kit_testing.crashing import world as world_module
from tarmac_offers.repository import PurchaseRepository

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800 if ALL else 240)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hello(server_url: str) -> AsyncIterator[World]:
    """Give hello-dd's services, running."""
    async with crashing(server_url, HELLO.hosted(short_leases)) as world:
        yield world


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.name)
async def test_no_crash_leaves_a_purchase_half_done(hello: World, journey: Journey) -> None:
    reports = await HELLO.crash(hello, journey)
    assert all(report.ok for report in reports)
    assert sum(report.crashes for report in reports) > 0


@pytest.mark.asyncio(loop_scope="module")
async def test_no_crash_loses_a_price_list(hello: World) -> None:
    [report] = await HELLO.crash(hello, PRICES, "pricing-service")
    assert report.ok
    assert report.crashes > 0


def without_purchase_key() -> None:
    """Take every request for a new purchase, whatever its key."""
    short_leases()
    add = PurchaseRepository.add
    made: list[UUID] = []

    async def add_always(self: Any, connection: Any, new: Any) -> bool:
        made.append(new.id)
        return await add(self, connection, replace(new, idempotency_key=new.id.hex))

    async def the_last_one(self: Any, connection: Any, *_: Any) -> Any:
        return await self.find(connection, made[-1])

    PurchaseRepository.add = add_always  # type: ignore[method-assign]
    PurchaseRepository.by_key = the_last_one  # type: ignore[method-assign]


def without_reservation_key() -> None:
    """Set stock aside each time that a purchase asks, as if nobody knew that it had."""
    short_leases()
    decide = inventory.on_reserve

    def on_reserve(existing: Any, lines: Any) -> Answer:
        held = existing.state is ReservationState.HELD
        return Answer.TAKE if held else decide(existing, lines)

    inventory.on_reserve = on_reserve


@pytest.mark.parametrize(
    ("fault", "only", "kind"),
    [
        (without_purchase_key, "INTO purchases|select kind", "doubled"),
        (without_reservation_key, "PUT", "oversold"),
    ],
)
async def test_the_crashes_find_what_is_wrong_without_it(
    server_url: str, monkeypatch: Any, fault: Callable[[], None], only: str, kind: str
) -> None:
    monkeypatch.setattr(world_module, "REST_S", 2.0)  # what is wrong does not right itself
    async with crashing(server_url, HELLO.hosted(fault)) as world:
        [report] = await HELLO.crash(world, JOURNEYS[0], "api-gateway", only=only)
    assert kinds_of([report])[kind] > 0
    assert len(report.findings) < report.crashes, "not every crash does harm"
