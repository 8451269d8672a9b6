"""Orders with fakes: acceptance, the steps, crashes between them, and what payments say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from tarmac_kit import PoisonMessage, Problem, Response, deadline
from tarmac_kit_testing import json_response
from tarmac_orders import events
from tarmac_orders.domain import Item, State
from tarmac_orders.service import Request


def wants(*items: Item, token: str = "tok_ok") -> Request:
    return Request(items=items, payment_token=token, shipping_address=None)


async def until_crash(doing) -> None:
    """Run something in which the process ends."""
    try:
        await doing
    except BaseException as ended:  # noqa: BLE001
        assert type(ended).__name__ == "Crash", repr(ended)  # noqa: PT017
    else:
        pytest.fail("it did not crash")


async def test_an_order_is_reserved_and_placed_with_the_catalogs_prices(shop, customer) -> None:
    cup = shop.shelf.add(minor=450, stock=3)
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 2)))
    assert (placed.order.state, placed.replayed) == (State.PLACED, False)
    assert (placed.order.total_minor, placed.order.currency) == (900, "EUR")
    assert shop.shelf.stock[str(cup)] == 1
    [(topic, payload)] = shop.tables.outbox
    assert topic == "order.placed"
    assert payload["total_minor"] == 900
    assert payload["email"] == "ada@example.com"
    assert payload["payment_token"] == "tok_ok"


async def test_the_same_key_gives_the_same_order_and_one_event(shop, customer) -> None:
    cup = shop.shelf.add()
    first = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    second = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    assert second.replayed
    assert second.order.id == first.order.id
    assert shop.said() == ["order.placed"]


@pytest.mark.parametrize("since", ["the product is gone", "the catalog is away"])
async def test_a_repeated_request_gets_its_order_whatever_has_become_of_the_product(
    shop, customer, since
) -> None:
    cup = shop.shelf.add()
    first = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    shop.shelf.products[str(cup)]["active"] = False
    shop.shelf.away = since == "the catalog is away"
    second = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    assert (second.order.id, second.replayed) == (first.order.id, True)


async def test_two_customers_may_use_the_same_key(shop, customer) -> None:
    cup = shop.shelf.add()
    first = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    other = replace(customer, subject="customer-2")
    second = await shop.orders.place(other, "key", wants(Item(cup, 1)))
    assert first.order.id != second.order.id


async def test_the_same_key_for_something_else_is_refused(shop, customer) -> None:
    cup = shop.shelf.add()
    await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    with pytest.raises(Problem) as caught:
        await shop.orders.place(customer, "key", wants(Item(cup, 2)))
    assert (caught.value.status, caught.value.code) == (422, "idempotency_key_reused")
    assert len(shop.tables.orders) == 1


async def test_an_unknown_product_writes_no_order(shop, customer) -> None:
    cup = shop.shelf.add()
    shop.shelf.products[str(cup)]["active"] = False
    with pytest.raises(Problem) as caught:
        await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    assert (caught.value.status, caught.value.code) == (422, "not_orderable")
    assert not shop.tables.orders


async def test_more_than_ninety_nine_of_a_product_are_refused_over_several_items(
    shop, customer
) -> None:
    cup = shop.shelf.add(stock=500)
    with pytest.raises(Problem) as caught:
        await shop.orders.place(customer, "key", wants(Item(cup, 60), Item(cup, 60)))
    assert caught.value.code == "not_orderable"
    assert caught.value.extra["products"] == [{"product_id": str(cup), "why": "too_many"}]


async def test_a_catalog_that_is_away_accepts_nothing(shop, customer) -> None:
    cup = shop.shelf.add()
    shop.shelf.away = True
    with pytest.raises(Problem) as caught:
        await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    assert caught.value.status == 503
    assert not shop.tables.orders


async def test_a_catalog_that_answers_nonsense_is_a_503(shop, customer) -> None:
    cup = shop.shelf.add()
    await shop.orders.place(customer, "warm", wants(Item(cup, 1)))
    shop.shelf.next_reply = _reply(500)
    with pytest.raises(Problem) as caught:
        await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    assert (caught.value.status, caught.value.code) == (503, "prices_unavailable")


async def test_an_inventory_that_does_not_answer_leaves_it_pending_for_the_sweep(
    shop, customer, monkeypatch
) -> None:
    cup = shop.shelf.add()
    real_put = shop.shelf.put

    async def gone(path, **options):
        shop.shelf.away = True
        return await real_put(path, **options)

    monkeypatch.setattr(shop.shelf, "put", gone)
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    assert placed.order.state is State.PENDING
    assert await shop.sweep.once() == 1
    assert shop.state(placed.order.id) is State.PENDING

    monkeypatch.undo()
    shop.shelf.away = False
    await shop.sweep.once()
    assert shop.state(placed.order.id) is State.PLACED
    assert shop.said() == ["order.placed"]
    assert await shop.sweep.once() == 0


async def test_a_reservation_whose_answer_was_lost_is_not_made_twice(
    shop, customer, monkeypatch
) -> None:
    cup = shop.shelf.add(stock=5)
    real_put = shop.shelf.put

    async def lost(path, **options):
        shop.shelf.answers_lost = 1
        return await real_put(path, **options)

    monkeypatch.setattr(shop.shelf, "put", lost)
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 2)))
    assert placed.order.state is State.PENDING
    monkeypatch.undo()
    again = await shop.orders.place(customer, "key", wants(Item(cup, 2)))
    assert again.order.state is State.PLACED
    assert shop.shelf.stock[str(cup)] == 3


@pytest.mark.parametrize("when", ["crash_before_commit", "crash_after_commit"])
@pytest.mark.parametrize(
    ("token_result", "topics"),
    [
        ("payment.captured", ["order.placed", "order.confirmed"]),
        ("payment.declined", ["order.placed", "order.cancelled"]),
    ],
)
async def test_a_crash_around_any_commit_is_resumed_and_says_everything_once(
    shop, customer, payment, when, token_result, topics
) -> None:
    cup = shop.shelf.add(stock=5)
    setattr(shop.tables, when, "order.placed")
    await until_crash(shop.orders.place(customer, "key", wants(Item(cup, 2))))
    await shop.sweep.once()
    [order] = shop.tables.orders.values()
    assert order.state is State.PLACED

    setattr(shop.tables, when, topics[1])
    result = payment(token_result, order.id)
    hear = {
        "payment.captured": shop.orders.on_payment_captured,
        "payment.declined": shop.orders.on_payment_declined,
    }[token_result]
    await until_crash(hear(result))
    await hear(result)  # the broker was not told, so it delivers again
    await shop.sweep.once()
    assert shop.state(order.id) in {State.CONFIRMED, State.CANCELLED}
    assert shop.said() == topics
    assert shop.shelf.stock[str(cup)] == (3 if token_result == "payment.captured" else 5)


async def test_a_captured_payment_confirms_and_sells_the_stock(shop, customer, payment) -> None:
    cup = shop.shelf.add(stock=5)
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 2)))
    await shop.orders.on_payment_captured(payment("payment.captured", placed.order.id))
    order, history = await shop.orders.show(customer, placed.order.id)
    assert order.state is State.CONFIRMED
    assert [step.state for step in history] == ["pending", "placed", "paid", "confirmed"]
    assert shop.shelf.sold == {str(order.id)}


async def test_a_payment_that_is_delivered_twice_is_applied_once(shop, customer, payment) -> None:
    cup = shop.shelf.add()
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    message = payment("payment.captured", placed.order.id)
    await asyncio.gather(*(shop.orders.on_payment_captured(message) for _ in range(5)))
    twin = payment("payment.captured", placed.order.id)
    await shop.orders.on_payment_captured(twin)
    assert shop.said() == ["order.placed", "order.confirmed"]


async def test_a_declined_payment_cancels_and_gives_the_stock_back(shop, customer, payment) -> None:
    cup = shop.shelf.add(stock=5)
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 2)))
    await shop.orders.on_payment_declined(payment("payment.declined", placed.order.id))
    order = shop.tables.orders[placed.order.id]
    assert (order.state, order.reason) == (State.CANCELLED, "payment_declined")
    assert shop.shelf.stock[str(cup)] == 5
    assert shop.said() == ["order.placed", "order.cancelled"]
    payload = shop.tables.outbox[-1][1]
    assert (payload["reason"], payload["was_accepted"]) == ("payment_declined", True)


async def test_a_payment_event_that_is_none_is_parked(shop, payment) -> None:
    message = replace(payment("payment.captured", _nobody()), payload={"order_id": 7})
    with pytest.raises(PoisonMessage, match="wrong"):
        await shop.orders.on_payment_captured(message)


async def test_a_payment_for_an_order_that_nobody_made_is_parked(shop, payment) -> None:
    with pytest.raises(PoisonMessage, match="there is no order"):
        await shop.orders.on_payment_captured(payment("payment.captured", _nobody()))
    assert not shop.tables.inbox


async def test_stock_that_ran_out_before_the_money_came_cancels_the_order(
    shop, customer, payment
) -> None:
    cup = shop.shelf.add()
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    shop.shelf.next_reply = _reply(409, {"code": "out_of_stock", "short": [{"product_id": "x"}]})
    await shop.orders.on_payment_captured(payment("payment.captured", placed.order.id))
    order = shop.tables.orders[placed.order.id]
    assert (order.state, order.reason) == (State.CANCELLED, "reservation_expired")
    assert shop.said()[-1] == "order.cancelled"


async def test_a_reservation_that_is_gone_cancels_a_paid_order(shop, customer, payment) -> None:
    cup = shop.shelf.add()
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    shop.shelf.next_reply = _reply(404, {"code": "reservation_unknown"})
    await shop.orders.on_payment_captured(payment("payment.captured", placed.order.id))
    assert shop.tables.orders[placed.order.id].reason == "reservation_refused"


@pytest.mark.parametrize(
    "nonsense", [(404, {"code": "not_found"}), (409, None), (500, ["x"]), (422, {"code": 7})]
)
async def test_an_answer_that_cannot_be_understood_never_cancels_a_paid_order(
    shop, customer, payment, nonsense
) -> None:
    cup = shop.shelf.add()
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    shop.shelf.next_reply = _reply(*nonsense)
    await shop.orders.on_payment_captured(payment("payment.captured", placed.order.id))
    assert shop.state(placed.order.id) is State.PAID
    await shop.sweep.once()
    assert shop.state(placed.order.id) is State.CONFIRMED


async def test_a_customer_cancels_a_placed_order_and_a_late_payment_changes_nothing(
    shop, customer, payment
) -> None:
    cup = shop.shelf.add(stock=5)
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    order = await shop.orders.cancel(customer, placed.order.id)
    assert (order.state, order.reason) == (State.CANCELLED, "by_customer")
    assert shop.shelf.stock[str(cup)] == 5
    await shop.orders.on_payment_captured(payment("payment.captured", order.id))
    assert shop.state(order.id) is State.CANCELLED
    assert shop.said() == ["order.placed", "order.cancelled"]
    again = await shop.orders.cancel(customer, order.id)
    assert again.state is State.CANCELLED
    assert shop.said() == ["order.placed", "order.cancelled"]


async def test_a_cancel_while_the_inventory_is_away_is_finished_by_the_sweep(
    shop, customer
) -> None:
    cup = shop.shelf.add(stock=5)
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    shop.shelf.away = True
    order = await shop.orders.cancel(customer, placed.order.id)
    assert order.state is State.CANCELLING
    shop.shelf.away = False
    await shop.sweep.once()
    assert shop.state(order.id) is State.CANCELLED
    assert shop.shelf.stock[str(cup)] == 5


async def test_an_order_cancelled_while_its_reservation_is_under_way_holds_no_stock(
    shop, customer, monkeypatch
) -> None:
    cup = shop.shelf.add(stock=5)
    real_put = shop.shelf.put

    async def slow(path, **options):
        [order_id] = shop.tables.orders
        monkeypatch.undo()
        await shop.orders.cancel(customer, order_id)
        return await real_put(path, **options)

    monkeypatch.setattr(shop.shelf, "put", slow)
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    assert (placed.order.state, placed.order.reason) == (State.CANCELLED, "by_customer")
    assert shop.shelf.stock[str(cup)] == 5
    assert shop.said() == ["order.cancelled"]


async def test_a_release_that_is_refused_keeps_the_order_cancelling(shop, customer) -> None:
    cup = shop.shelf.add()
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    shop.shelf.next_reply = _reply(409, {"code": "reservation_differs"})
    order = await shop.orders.cancel(customer, placed.order.id)
    assert order.state is State.CANCELLING


async def test_a_paid_order_cannot_be_cancelled(shop, customer, payment) -> None:
    cup = shop.shelf.add()
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    await shop.orders.on_payment_captured(payment("payment.captured", placed.order.id))
    with pytest.raises(Problem) as caught:
        await shop.orders.cancel(customer, placed.order.id)
    assert (caught.value.status, caught.value.code) == (409, "not_cancellable")


async def test_another_users_order_is_not_there(shop, customer, staff) -> None:
    cup = shop.shelf.add()
    placed = await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    stranger = replace(customer, subject="customer-2")
    for attempt in (
        shop.orders.show(stranger, placed.order.id),
        shop.orders.cancel(stranger, placed.order.id),
        shop.orders.cancel(staff, placed.order.id),
        shop.orders.show(customer, _nobody()),
    ):
        with pytest.raises(Problem) as caught:
            await attempt
        assert caught.value.status == 404
    order, _ = await shop.orders.show(staff, placed.order.id)
    assert order.id == placed.order.id


async def test_pages_hold_every_own_order_once_latest_first(shop, customer, staff) -> None:
    cup = shop.shelf.add(stock=100)
    made = [
        (await shop.orders.place(customer, f"key {n}", wants(Item(cup, 1)))).order.id
        for n in range(5)
    ]
    await shop.orders.place(replace(customer, subject="other"), "key", wants(Item(cup, 1)))
    seen, cursor = [], None
    while True:
        page = await shop.orders.page(
            customer, all_customers=False, state=None, limit=2, cursor=cursor
        )
        seen += [order.id for order in page.orders]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]
    everybody = await shop.orders.page(staff, all_customers=True, state=None, limit=50, cursor=None)
    assert len(everybody.orders) == 6
    with pytest.raises(Problem) as caught:
        await shop.orders.page(customer, all_customers=True, state=None, limit=2, cursor=None)
    assert caught.value.status == 403
    with pytest.raises(Problem) as caught:
        await shop.orders.page(customer, all_customers=False, state=None, limit=2, cursor="x")
    assert (caught.value.status, caught.value.code) == (400, "bad_cursor")


async def test_a_call_to_the_inventory_leaves_time_for_the_answer(shop, customer) -> None:
    cup = shop.shelf.add()
    left: list[float | None] = []
    real_put = shop.shelf.put

    async def put(path, **options):
        left.append(deadline.remaining_s())
        return await real_put(path, **options)

    shop.shelf.put = put
    with deadline.within(1.0):
        await shop.orders.place(customer, "key", wants(Item(cup, 1)))
    assert left[0] is not None
    assert left[0] <= 0.7


async def test_an_order_that_was_deleted_by_hand_is_said_so(shop) -> None:
    with pytest.raises(LookupError, match="deleted by hand"):
        await shop.orders.steps.advance(_nobody())


async def test_one_order_that_cannot_go_on_does_not_stop_the_sweep(shop, customer) -> None:
    cup = shop.shelf.add()
    shop.shelf.put, real_put = None, shop.shelf.put
    for key in ("a", "b"):
        with pytest.raises(TypeError):
            await shop.orders.place(customer, key, wants(Item(cup, 1)))
    bad, good = shop.tables.orders

    async def put(path, **options):
        if str(bad) in path:
            raise RuntimeError("a bug")
        return await real_put(path, **options)

    shop.shelf.put = put
    assert await shop.sweep.once() == 2
    assert (shop.state(bad), shop.state(good)) == (State.PENDING, State.PLACED)


async def test_what_is_published_is_what_the_schema_says(shop, customer, payment) -> None:
    cup = shop.shelf.add(stock=9)
    for key, topic in (("a", "payment.captured"), ("b", "payment.declined")):
        placed = await shop.orders.place(customer, key, wants(Item(cup, 1)))
        message = payment(topic, placed.order.id)
        if topic == "payment.captured":
            await shop.orders.on_payment_captured(message)
        else:
            await shop.orders.on_payment_declined(message)
    assert set(shop.said()) == set(events.PUBLISHED)
    for topic, payload in shop.tables.outbox:
        model = events.PUBLISHED[topic]
        assert model.model_validate(payload).model_dump(mode="json") == payload


def _nobody() -> UUID:
    return uuid4()


def _reply(status, body=None):
    return Response(status) if body is None else json_response(status, body)
