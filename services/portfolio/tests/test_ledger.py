"""Whatever happens in whatever order, cash and positions are the sums of the ledger."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tarmac_kit import Problem
from tarmac_portfolio.domain import (
    Entry,
    Kind,
    Position,
    Side,
    Wish,
    end_of_day,
    fill,
    hold,
    may_fill,
    realised_minor,
    release,
)

sides = st.sampled_from(Side)
quantities = st.integers(1, 6)
prices = st.integers(1, 40)
steps = st.one_of(
    st.tuples(st.just("deposit"), st.integers(1, 300)),
    st.tuples(st.just("market"), sides, quantities),
    st.tuples(st.just("limit"), sides, quantities, prices),
    st.tuples(st.just("price"), prices),
    st.tuples(st.just("jobs")),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("midnight")),
    st.tuples(st.just("away"), st.booleans()),
)


async def take(desk, step) -> None:
    """Take one step of a day's trading; what is refused is a problem, never another error."""
    what, *given_ = step
    user = desk.ann if len(desk.tables.ledger) % 3 else desk.bob
    try:
        if what == "deposit":
            await desk.deposit(given_[0], user)
        elif what in {"market", "limit"}:
            await desk.place(*given_, user=user)
        elif what == "price":
            desk.market.price_minor = given_[0]
        elif what == "jobs":
            await desk.jobs.run_due()
        elif what == "cancel":
            orders = list(desk.tables.placed.values())
            if orders:
                order = orders[given_[0] % len(orders)]
                owner = desk.ann if order.owner == "ann" else desk.bob
                await desk.portfolios.cancel(owner, order.id)
        elif what == "midnight":
            desk.next_day()
        elif what == "away":
            desk.market.away = given_[0]
    except Problem as problem:
        assert problem.status in {409, 503}  # noqa: PT017 - others would be a failure


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, max_size=40))
def test_every_sequence_of_deposits_orders_fills_and_cancels_reconciles(new_desk, taken) -> None:
    async def trade() -> None:
        desk = new_desk()
        for step in taken:
            await take(desk, step)
            desk.tables.reconcile()
        # At the end of the day everything is over and nothing is held.
        desk.next_day()
        ended = await desk.jobs.run_due()
        assert {job.state for job in ended} <= {"done"}
        desk.tables.reconcile()
        assert all(not account.held_minor for account in desk.tables.accounts.values())
        assert all(not position.held for position in desk.tables.held.values())

    asyncio.run(trade())


def test_a_ledger_that_does_not_agree_is_found(new_desk) -> None:
    async def trade() -> None:
        desk = new_desk()
        await desk.deposit(100)
        desk.tables.ledger.clear()
        desk.tables.reconcile()

    with pytest.raises(AssertionError):
        asyncio.run(trade())


@given(sides, quantities, prices, prices)
def test_what_is_held_is_enough_for_every_price_that_fills(side, quantity, limit, price) -> None:
    wish = Wish("TARM", side, Kind.LIMIT, quantity, limit)
    held, freed = hold(wish), release(wish)
    assert (held.held_minor + freed.held_minor, held.held + freed.held) == (0, 0)
    if may_fill(wish, price):
        posting = fill(wish, price, Position("TARM", quantity, 0, 7))
        assert held.held_minor + posting.cash_minor >= 0
        assert held.held + posting.quantity >= 0


@given(st.integers(1, 50), st.integers(0, 10_000), st.data())
def test_shares_that_are_sold_take_their_part_of_the_cost_and_the_last_take_the_rest(
    quantity, cost_minor, data
) -> None:
    position = Position("TARM", quantity, 0, cost_minor)
    sold = data.draw(st.integers(1, quantity))
    posting = fill(Wish("TARM", Side.SELL, Kind.MARKET, sold, None), 3, position)
    assert posting.kind is Entry.SELL
    assert 0 <= -posting.cost_minor <= cost_minor
    assert realised_minor(posting) == 3 * sold + posting.cost_minor
    if sold == quantity:
        assert posting.cost_minor == -cost_minor


def test_a_day_ends_at_midnight_of_utc_wherever_the_clock_is_read() -> None:
    at = datetime.fromisoformat("2026-05-04T23:30:00-02:00")
    assert end_of_day(at) == datetime(2026, 5, 6, tzinfo=UTC)
    assert end_of_day(datetime(2026, 5, 4, tzinfo=UTC)) == datetime(2026, 5, 5, tzinfo=UTC)
