"""Orders that are refused for want of stock: at once, or after the customer was told they stand."""

from __future__ import annotations

from uuid import UUID

import pytest

from tarmac_kit import Problem, Unavailable
from tarmac_orders.domain import Item, State
from tarmac_orders.service import Request


def wants(product_id: UUID, quantity: int = 1) -> Request:
    return Request((Item(product_id, quantity),), "tok_ok", None)


async def _unanswered(_path, **_options):
    raise Unavailable("inventory")


async def test_out_of_stock_cancels_and_every_retry_hears_the_same(shop, customer) -> None:
    cup = shop.shelf.add(stock=1)
    for replayed in (False, True):
        with pytest.raises(Problem) as caught:
            await shop.orders.place(customer, "key", wants(cup, 2))
        problem = caught.value
        assert (problem.status, problem.code) == (409, "out_of_stock")
        assert problem.extra["short"] == [{"product_id": str(cup), "quantity": 2}]
        assert ("Idempotency-Replayed" in problem.headers) is replayed
    [order] = shop.tables.orders.values()
    assert (order.state, order.reason) == (State.CANCELLED, "out_of_stock")
    [(topic, payload)] = shop.tables.outbox
    assert (topic, payload["was_accepted"]) == ("order.cancelled", False)
    assert shop.shelf.stock[str(cup)] == 1


async def test_an_order_that_was_accepted_and_then_sold_out_is_said_to_have_been_accepted(
    shop, customer, monkeypatch
) -> None:
    cup = shop.shelf.add(stock=1)
    monkeypatch.setattr(shop.shelf, "put", _unanswered)
    placed = await shop.orders.place(customer, "key", wants(cup))
    assert placed.order.state is State.PENDING
    monkeypatch.undo()
    shop.shelf.stock[str(cup)] = 0
    await shop.sweep.once()
    [(_, payload)] = shop.tables.outbox
    assert (payload["reason"], payload["was_accepted"]) == ("out_of_stock", True)


async def test_an_order_that_is_refused_before_it_could_be_left_pending_was_not_accepted(
    shop, customer, monkeypatch
) -> None:
    cup = shop.shelf.add(stock=0)
    real_put = shop.shelf.put

    async def sweep_comes_first(_path, **_options):
        monkeypatch.setattr(shop.shelf, "put", real_put)
        await shop.sweep.once()
        raise Unavailable("inventory")

    monkeypatch.setattr(shop.shelf, "put", sweep_comes_first)
    with pytest.raises(Problem) as caught:
        await shop.orders.place(customer, "key", wants(cup))
    assert caught.value.code == "out_of_stock"
    [(_, payload)] = shop.tables.outbox
    assert payload["was_accepted"] is False


async def test_a_refusal_whose_release_is_not_answered_stays_a_refusal(shop, customer) -> None:
    cup = shop.shelf.add(stock=0)
    real_delete = shop.shelf.delete
    shop.shelf.delete = _unanswered
    with pytest.raises(Problem) as caught:
        await shop.orders.place(customer, "key", wants(cup))
    assert caught.value.code == "out_of_stock"
    assert shop.said() == []
    shop.shelf.delete = real_delete
    await shop.sweep.once()
    [(_, payload)] = shop.tables.outbox
    assert payload["was_accepted"] is False
