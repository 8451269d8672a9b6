"""Inventory on a real PostgreSQL: never oversold, everything repeatable, the ledger agrees."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID, uuid4

import asyncpg
import pytest

from tarmac_inventory.app import PART
from tarmac_inventory.domain import Line
from tarmac_inventory.repository import StockRepository
from tarmac_inventory.service import Inventory, sweep
from tarmac_kit import DatabaseUnavailable, Problem
from tarmac_kit_testing import issue_token

pytestmark = pytest.mark.servers

_AGREES = """
SELECT s.product_id, s.on_hand, s.reserved, coalesce(sum(l.on_hand_change), 0)::int AS moved,
       coalesce(sum(l.reserved_change), 0)::int AS set_aside
  FROM stock s LEFT JOIN stock_ledger l USING (product_id) GROUP BY s.product_id
"""


@pytest.fixture
async def inventory(database_of):
    """Give an inventory whose ledger is held against its levels at the end."""
    database = database_of("inventory")
    await database.open()
    yield Inventory(database, StockRepository())
    async with database.connection() as connection:
        for row in await connection.fetch(_AGREES):
            assert (row["on_hand"], row["reserved"]) == (row["moved"], row["set_aside"])


async def with_stock(inventory: Inventory, *, on_hand: int) -> UUID:
    product_id = uuid4()
    await inventory.count(product_id, on_hand, actor="test")
    return product_id


async def run_out(inventory: Inventory, order_id: UUID) -> None:
    """Let the time of a reservation be over."""
    async with inventory.database.connection() as connection:
        await connection.execute(
            "UPDATE reservations SET expires_at = now() - interval '1 s' WHERE order_id = $1",
            order_id,
        )


async def test_fifty_buyers_of_the_last_ten_buy_exactly_ten(inventory) -> None:
    cup = await with_stock(inventory, on_hand=10)

    async def buy() -> bool:
        order_id = uuid4()
        try:
            await inventory.reserve(order_id, [Line(cup, 1)], ttl_s=60)
        except Problem as problem:
            assert problem.code == "out_of_stock"  # noqa: PT017
            return False
        await inventory.commit(order_id)
        return True

    bought = await asyncio.gather(*(buy() for _ in range(50)))
    assert sum(bought) == 10
    level = await inventory.level(cup)
    assert (level.on_hand, level.reserved) == (0, 0)


async def test_orders_over_the_same_products_in_any_order_never_deadlock(inventory) -> None:
    products = [await with_stock(inventory, on_hand=1000) for _ in range(5)]
    dice = random.Random(7)

    async def order() -> None:
        order_id = uuid4()
        lines = [Line(product_id, dice.randint(1, 3)) for product_id in dice.sample(products, 4)]
        await inventory.reserve(order_id, lines, ttl_s=60)
        await (inventory.commit if dice.random() < 0.5 else inventory.release)(order_id)

    await asyncio.gather(*(order() for _ in range(60)))
    for product in products:
        assert (await inventory.level(product)).reserved == 0


async def test_all_lines_are_taken_or_none(inventory) -> None:
    cup, pot = [await with_stock(inventory, on_hand=5) for _ in range(2)]
    order_id = uuid4()
    with pytest.raises(Problem) as caught:
        await inventory.reserve(order_id, [Line(cup, 2), Line(pot, 6)], ttl_s=60)
    assert caught.value.extra["short"] == [{"product_id": str(pot), "wanted": 6, "available": 5}]
    assert (await inventory.level(cup)).reserved == 0
    with pytest.raises(Problem) as caught:
        await inventory.reservation(order_id)
    assert caught.value.status == 404
    made = await inventory.reserve(order_id, [Line(cup, 2), Line(pot, 5)], ttl_s=60)
    assert made.created


async def test_the_same_reservation_twenty_times_at_once_holds_once(inventory) -> None:
    cup = await with_stock(inventory, on_hand=5)
    order_id = uuid4()
    made = await asyncio.gather(
        *(inventory.reserve(order_id, [Line(cup, 3)], ttl_s=60) for _ in range(20))
    )
    assert sum(result.created for result in made) == 1
    assert len({result.reservation for result in made}) == 1
    assert (await inventory.level(cup)).reserved == 3


async def test_other_lines_under_the_same_order_are_refused(inventory) -> None:
    cup = await with_stock(inventory, on_hand=5)
    order_id = uuid4()
    await inventory.reserve(order_id, [Line(cup, 3)], ttl_s=60)
    with pytest.raises(Problem) as caught:
        await inventory.reserve(order_id, [Line(cup, 2)], ttl_s=60)
    assert (caught.value.status, caught.value.code) == (409, "reservation_differs")


async def test_commit_twenty_times_at_once_sells_once(inventory) -> None:
    cup = await with_stock(inventory, on_hand=5)
    order_id = uuid4()
    await inventory.reserve(order_id, [Line(cup, 3)], ttl_s=60)
    sold = await asyncio.gather(*(inventory.commit(order_id) for _ in range(20)))
    assert {reservation.state for reservation in sold} == {"committed"}
    assert (await inventory.level(cup)).on_hand == 2
    again = await inventory.reserve(order_id, [Line(cup, 3)], ttl_s=60)
    assert (again.created, again.reservation.state) == (False, "committed")


async def test_release_gives_back_once_and_closes_the_order(inventory) -> None:
    cup = await with_stock(inventory, on_hand=5)
    order_id = uuid4()
    await inventory.reserve(order_id, [Line(cup, 3)], ttl_s=60)
    await asyncio.gather(*(inventory.release(order_id) for _ in range(10)))
    level = await inventory.level(cup)
    assert (level.on_hand, level.reserved) == (5, 0)
    for attempt in (
        inventory.commit(order_id),
        inventory.reserve(order_id, [Line(cup, 3)], ttl_s=60),
    ):
        with pytest.raises(Problem) as caught:
            await attempt
        assert (caught.value.status, caught.value.code) == (409, "reservation_released")


async def test_a_release_that_overtakes_its_reservation_bars_it(inventory) -> None:
    cup = await with_stock(inventory, on_hand=5)
    order_id = uuid4()
    await inventory.release(order_id)
    with pytest.raises(Problem) as caught:
        await inventory.reserve(order_id, [Line(cup, 1)], ttl_s=60)
    assert caught.value.code == "reservation_released"
    assert (await inventory.level(cup)).reserved == 0


async def test_what_was_sold_cannot_be_released(inventory) -> None:
    cup = await with_stock(inventory, on_hand=5)
    order_id = uuid4()
    await inventory.reserve(order_id, [Line(cup, 1)], ttl_s=60)
    await inventory.commit(order_id)
    with pytest.raises(Problem) as caught:
        await inventory.release(order_id)
    assert (caught.value.status, caught.value.code) == (409, "reservation_committed")


async def test_what_was_sold_comes_back_once_when_its_purchase_is_undone(inventory) -> None:
    cup, order_id = await with_stock(inventory, on_hand=5), uuid4()
    await inventory.reserve(order_id, [Line(cup, 3)], ttl_s=60)
    with pytest.raises(Problem) as early:
        await inventory.take_back(order_id)
    assert early.value.code == "reservation_not_committed"
    await inventory.commit(order_id)
    back = await asyncio.gather(*(inventory.take_back(order_id) for _ in range(10)))
    assert {reservation.state for reservation in back} == {"released"}
    level = await inventory.level(cup)
    assert (level.on_hand, level.reserved) == (5, 0)
    with pytest.raises(Problem) as late:
        await inventory.commit(order_id)
    assert late.value.code == "reservation_released"


async def test_two_sweeps_at_once_give_back_each_expired_reservation_once(inventory) -> None:
    cup = await with_stock(inventory, on_hand=50)
    kept = uuid4()
    await inventory.reserve(kept, [Line(cup, 1)], ttl_s=60)
    for _ in range(12):
        order_id = uuid4()
        await inventory.reserve(order_id, [Line(cup, 2)], ttl_s=60)
        await run_out(inventory, order_id)
    assert (await inventory.level(cup)).reserved == 25

    async def sweep_all() -> int:
        swept = 0
        while await inventory.expire_one():
            swept += 1
        return swept

    assert sum(await asyncio.gather(sweep_all(), sweep_all(), sweep_all())) == 12
    assert (await inventory.level(cup)).reserved == 1
    assert (await inventory.reservation(kept)).state == "held"


async def test_commit_after_the_time_retakes_the_stock_if_it_is_there(inventory) -> None:
    cup = await with_stock(inventory, on_hand=5)
    early, late = uuid4(), uuid4()
    for order_id in (early, late):
        await inventory.reserve(order_id, [Line(cup, 2)], ttl_s=60)
        await run_out(inventory, order_id)
    while await inventory.expire_one():
        pass
    assert (await inventory.commit(early)).state == "committed"
    assert (await inventory.level(cup)).on_hand == 3
    await inventory.count(cup, 1, actor="test")
    with pytest.raises(Problem) as caught:
        await inventory.commit(late)
    assert (caught.value.status, caught.value.code) == (409, "out_of_stock")
    assert caught.value.extra["short"] == [{"product_id": str(cup), "wanted": 2, "available": 1}]


async def test_an_order_that_heard_that_stock_is_short_is_not_sold_later(inventory) -> None:
    cup = await with_stock(inventory, on_hand=2)
    order_id = uuid4()
    await inventory.reserve(order_id, [Line(cup, 2)], ttl_s=60)
    await run_out(inventory, order_id)
    assert await inventory.expire_one()
    await inventory.count(cup, 1, actor="test")
    with pytest.raises(Problem) as first:
        await inventory.commit(order_id)
    assert first.value.code == "out_of_stock"
    await inventory.count(cup, 9, actor="test")  # the shelf is filled before the second attempt
    with pytest.raises(Problem) as caught:
        await inventory.commit(order_id)
    assert (caught.value.status, caught.value.code) == (409, "reservation_released")
    assert (await inventory.release(order_id)).state == "released"
    assert (await inventory.level(cup)).on_hand == 9


async def test_an_expired_order_that_reserves_again_holds_again(inventory) -> None:
    cup = await with_stock(inventory, on_hand=5)
    order_id = uuid4()
    await inventory.reserve(order_id, [Line(cup, 2)], ttl_s=60)
    await run_out(inventory, order_id)
    assert await inventory.expire_one()
    again = await inventory.reserve(order_id, [Line(cup, 2)], ttl_s=60)
    assert (again.created, again.reservation.state) == (False, "held")
    assert (await inventory.level(cup)).reserved == 2
    await run_out(inventory, order_id)
    assert await inventory.expire_one()
    assert (await inventory.release(order_id)).state == "released"
    assert (await inventory.level(cup)).reserved == 0


async def test_a_count_below_what_is_set_aside_is_refused(inventory) -> None:
    cup = await with_stock(inventory, on_hand=5)
    await inventory.reserve(uuid4(), [Line(cup, 3)], ttl_s=60)
    with pytest.raises(Problem) as caught:
        await inventory.count(cup, 2, actor="test")
    assert (caught.value.code, caught.value.extra["reserved"]) == ("stock_reserved", 3)
    assert (await inventory.count(cup, 3, actor="test")).available == 0


async def test_an_order_that_nobody_reserved_cannot_be_committed(inventory) -> None:
    with pytest.raises(Problem) as caught:
        await inventory.commit(uuid4())
    assert (caught.value.status, caught.value.code) == (404, "reservation_unknown")


@pytest.mark.parametrize(
    "bad",
    [
        "UPDATE stock SET on_hand = -1, reserved = 0",
        "UPDATE stock SET reserved = on_hand + 1",
        "UPDATE stock SET reserved = -1",
    ],
)
async def test_the_table_itself_refuses_to_oversell(inventory, bad) -> None:
    await with_stock(inventory, on_hand=1)
    async with inventory.database.connection() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(bad)


@pytest.fixture
async def api(start):
    """Give the part as an app of its own, without catalog beside it."""
    return await start(PART, RESERVATION_SWEEP_S="0.05")


async def test_the_routes_speak_as_the_contract_says(api) -> None:
    cup, order_id = uuid4(), uuid4()
    staff = issue_token("sam", roles=["staff"])
    assert (await api.get(f"/products/{cup}/stock")).status == 404
    path = f"/products/{cup}/stock"
    assert (await api.put(path, json={"on_hand": 4})).status == 401
    refused = await api.put(path, json={"on_hand": 4}, token=issue_token("ada"))
    assert refused.status == 403
    assert (await api.put(path, json={"on_hand": -1}, token=staff)).status == 422
    counted = await api.put(path, json={"on_hand": 4}, token=staff)
    assert counted.json() == {
        "product_id": str(cup),
        "on_hand": 4,
        "reserved": 0,
        "available": 4,
    }
    body = {"lines": [{"product_id": str(cup), "quantity": 3}], "ttl_s": 900}
    made = await api.put(f"/reservations/{order_id}", json=body)
    assert (made.status, made.json()["state"]) == (201, "held")
    again = await api.put(f"/reservations/{order_id}", json=body)
    assert (again.status, again.json()) == (200, made.json())
    short = await api.put(f"/reservations/{uuid4()}", json=body)
    assert (short.status, short.json()["code"]) == (409, "out_of_stock")
    assert short.json()["short"] == [{"product_id": str(cup), "wanted": 3, "available": 1}]
    twice = {"lines": body["lines"] * 2}
    assert (await api.put(f"/reservations/{uuid4()}", json=twice)).status == 422
    sold = await api.post(f"/reservations/{order_id}/commit")
    assert (sold.status, sold.json()["state"]) == (200, "committed")
    assert (await api.get(f"/reservations/{order_id}")).json()["state"] == "committed"
    assert (await api.get(path)).json()["on_hand"] == 1
    other = uuid4()
    assert (await api.delete(f"/reservations/{other}")).json()["state"] == "released"


async def test_many_levels_are_looked_up_at_once_and_the_unknown_left_out(api) -> None:
    cup, pot = sorted((uuid4(), uuid4()))
    staff = issue_token("sam", roles=["staff"])
    for product_id, on_hand in ((cup, 4), (pot, 0)):
        await api.put(f"/products/{product_id}/stock", json={"on_hand": on_hand}, token=staff)
    wanted = {"product_ids": [str(pot), str(uuid4()), str(cup)]}
    found = (await api.post("/stock-levels", json=wanted)).json()["levels"]
    assert [(level["product_id"], level["available"]) for level in found] == [
        (str(cup), 4),
        (str(pot), 0),
    ]
    assert (await api.post("/stock-levels", json={"product_ids": []})).status == 422


async def test_the_sweep_of_a_running_service_gives_expired_stock_back(api, look) -> None:
    cup, order_id = uuid4(), uuid4()
    staff = issue_token("sam", roles=["staff"])
    await api.put(f"/products/{cup}/stock", json={"on_hand": 4}, token=staff)
    body = {"lines": [{"product_id": str(cup), "quantity": 3}], "ttl_s": 0.1}
    await api.put(f"/reservations/{order_id}", json=body)
    async with asyncio.timeout(60):
        while (await api.get(f"/reservations/{order_id}")).json()["state"] == "held":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await api.get(f"/products/{cup}/stock")).json()["available"] == 4
    async with look() as connection:
        movements = await connection.fetch("SELECT movement FROM stock_ledger ORDER BY seq")
    assert [row["movement"] for row in movements] == ["opening", "reserve", "expire"]


async def test_the_sweep_outlives_a_database_that_goes_and_comes_back(inventory) -> None:
    cup, order_id = await with_stock(inventory, on_hand=5), uuid4()
    await inventory.reserve(order_id, [Line(cup, 2)], ttl_s=60)
    await run_out(inventory, order_id)
    attempts = 0

    class Flickering:
        def transaction(self):
            nonlocal attempts
            attempts += 1
            if attempts <= 3:
                raise DatabaseUnavailable("it is away")
            return inventory.database.transaction()

    flickering = Inventory(Flickering(), StockRepository())
    sweeping = asyncio.create_task(sweep(flickering, interval_s=0))
    async with asyncio.timeout(60):
        while (await inventory.reservation(order_id)).state == "held":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    sweeping.cancel()
    assert (await inventory.level(cup)).reserved == 0


async def test_a_second_start_on_the_same_database_changes_nothing(applied_by_two_starts) -> None:
    assert await applied_by_two_starts(PART) == [("inventory", 1), ("inventory", 2)]
