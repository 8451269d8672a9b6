"""What the shop's safety stands on, taken out one at a time: the crashes must find the loss.

The faults are put into the services' own processes. Without them the same journeys survive every
crash: tests/crash/test_shop.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from crashed import kinds_of
from crashed_shop import SHOP, bought, expect

from tarmac_inventory import service as inventory
from tarmac_inventory.domain import Answer, ReservationState
from tarmac_kit import Chassis, Message, Outbox
from tarmac_kit_testing import Journey, crashing
from tarmac_orders.repository import OrderRepository

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

BUY = Journey("buy", bought(1, "tok_ok"), expect("confirmed", sold=1, emails=None))
#: Without emails, which these faults do not concern.
OF_THREE = replace(SHOP, services=["order-service", "product-service", "payment-service"])


class Straight:
    """Publishes after the commit what an outbox would have kept."""

    def __init__(self, chassis: Chassis, database: Any) -> None:
        self._chassis, self._database = chassis, database
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(
        self, conn: Any, *, topic: str, aggregate_id: str, payload: Any, **_: Any
    ) -> None:
        bus = self._chassis.bus
        message = Message(str(uuid4()), topic, aggregate_id, payload)
        if bus is not None and topic in self._chassis.settings.publishes:
            self._database.after_commit(
                conn, lambda: self._tasks.add(asyncio.create_task(bus.publish(message)))
            )


def without_outbox() -> None:
    def outbox(chassis: Chassis, database: Any) -> Any:
        Outbox(database, publishes=())  # its table is there, and stays empty
        return Straight(chassis, database)

    Chassis.outbox = outbox  # type: ignore[method-assign]


def without_reservation_key() -> None:
    """Set stock aside each time that an order asks, as if nobody knew that it had."""
    decide = inventory.on_reserve

    def on_reserve(existing: Any, lines: Any) -> Answer:
        held = existing.state is ReservationState.HELD
        return Answer.TAKE if held else decide(existing, lines)

    inventory.on_reserve = on_reserve


def without_idempotency_key() -> None:
    """Take every request for a new order, whatever its key."""
    add = OrderRepository.add

    async def add_always(self: Any, connection: Any, new: Any, **options: Any) -> Any:
        return await add(self, connection, replace(new, idempotency_key=uuid4().hex), **options)

    async def find_none(*_: Any) -> None:
        return None

    OrderRepository.add = add_always  # type: ignore[method-assign]
    OrderRepository.find_by_key = find_none  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("fault", "victim", "only", "kind"),
    [
        (without_outbox, "order-service", "publish", "lost"),
        (without_reservation_key, "order-service", "call PUT", "oversold"),
        (without_idempotency_key, "order-service", "call PUT", "doubled"),
    ],
)
async def test_the_crashes_find_what_is_lost_without_it(
    server_url: str, fault: Callable[[], None], victim: str, only: str, kind: str
) -> None:
    # Short: what is lost does not come.
    async with crashing(server_url, OF_THREE.hosted(fault), rest_s=2.0) as world:
        [report] = await OF_THREE.crash(world, BUY, victim, only=only)
    assert kinds_of([report])[kind] > 0
