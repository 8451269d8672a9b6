"""Deposits and orders by the rules, with everything around them faked."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tarmac_kit import Problem
from tarmac_portfolio.domain import MAX_CASH_MINOR, MAX_OPEN_ORDERS, Kind, Side, Status, Wish


async def test_a_purchase_at_the_quote_turns_cash_into_shares_at_once(desk) -> None:
    await desk.deposit(5_000)
    order = await desk.buy(3)
    assert (order.status, order.price_minor) == (Status.FILLED, 1_000)
    assert await desk.has() == (2_000, 0, 3, 0)
    (valued,) = await desk.portfolios.positions(desk.ann)
    assert (valued.position.cost_minor, valued.price_minor) == (3_000, 1_000)


async def test_a_sale_says_what_it_brought_beyond_its_cost(desk) -> None:
    await desk.deposit(5_000)
    await desk.buy(1)
    desk.market.price_minor = 2_000
    await desk.buy(2)
    desk.market.price_minor = 1_900
    await desk.sell(2)
    sale, *_ = await desk.portfolios.trades(desk.ann, before=None, limit=5)
    # Three had cost 5,000; two of them are 3,333.
    assert (sale.side, sale.realised_minor) == (Side.SELL, 3_800 - 3_333)
    await desk.sell(1)
    assert await desk.has() == (5_000 - 1_000 - 4_000 + 5_700, 0, 0, 0)
    assert await desk.portfolios.positions(desk.ann) == []
    seqs = [
        trade.quote_seq for trade in await desk.portfolios.trades(desk.ann, before=None, limit=5)
    ]
    assert seqs == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("side", "limit_minor", "code"),
    [
        (Side.BUY, None, "insufficient_funds"),
        (Side.BUY, 900, "insufficient_funds"),
        (Side.SELL, None, "insufficient_shares"),
        (Side.SELL, 1_100, "insufficient_shares"),
    ],
)
async def test_what_the_account_cannot_bear_is_rejected_and_stays_so_for_its_key(
    desk, side, limit_minor, code
) -> None:
    await desk.deposit(2_699)
    for replayed in (False, True):
        with pytest.raises(Problem) as refused:
            await desk.place(side, 3, limit_minor, key="k")
        assert (refused.value.status, refused.value.code) == (409, code)
        assert ("Idempotency-Replayed" in refused.value.headers) == replayed
    (order,) = await desk.portfolios.orders(desk.ann, status=None, before=None, limit=5)
    assert (order.status, order.reason) == (Status.REJECTED, code)
    assert desk.jobs.kept == {}
    assert await desk.has() == (2_699, 0, 0, 0)


async def test_a_limit_that_is_met_already_is_filled_at_the_better_quote(desk) -> None:
    await desk.deposit(3_000)
    bought = await desk.buy(2, 1_200)
    sold = await desk.sell(1, 800)
    assert [trade.price_minor for trade in (bought, sold)] == [1_000, 1_000]
    assert await desk.has() == (2_000, 0, 1, 0)


async def test_an_open_order_holds_what_it_needs_and_nobody_else_can_use_that(desk) -> None:
    await desk.deposit(2_000)
    order = await desk.buy(2, 900)
    assert (order.status, await desk.has()) == (Status.OPEN, (2_000, 1_800, 0, 0))
    with pytest.raises(Problem, match="insufficient_funds"):
        await desk.buy(1)
    await desk.portfolios.cancel(desk.ann, order.id)
    await desk.buy(2)
    selling = await desk.sell(2, 1_100)
    with pytest.raises(Problem, match="insufficient_shares"):
        await desk.sell(1)
    assert await desk.has() == (0, 0, 2, 2)
    assert (await desk.portfolios.cancel(desk.ann, selling.id)).reason == "by_owner"
    assert await desk.has() == (0, 0, 2, 0)


async def test_the_same_key_is_the_same_deposit_and_the_same_order(desk) -> None:
    one = await desk.portfolios.deposit(desk.ann, "d", 5_000)
    again = await desk.portfolios.deposit(desk.ann, "d", 5_000)
    assert (one.replayed, again.replayed, again.deposit) == (False, True, one.deposit)
    first = await desk.buy(1, key="k")
    desk.market.away = True
    assert await desk.buy(1, key="k") == first
    assert await desk.has() == (4_000, 0, 1, 0)
    for reused in (desk.buy(2, key="k"), desk.portfolios.deposit(desk.ann, "d", 5_001)):
        with pytest.raises(Problem) as refused:
            await reused
        assert (refused.value.status, refused.value.code) == (422, "idempotency_key_reused")


async def test_a_key_that_was_used_while_the_quote_was_asked_for_is_found(desk) -> None:
    await desk.deposit(5_000)
    wish = Wish("TARM", Side.BUY, Kind.MARKET, 1, None)
    asked = desk.market.quote

    async def meanwhile(symbol):
        desk.market.quote = asked
        await desk.portfolios.place(desk.ann, "k", wish)
        return await asked(symbol)

    desk.market.quote = meanwhile
    assert (await desk.portfolios.place(desk.ann, "k", wish)).replayed
    assert await desk.has() == (4_000, 0, 1, 0)


async def test_without_a_market_nothing_is_kept_and_positions_have_no_value(desk) -> None:
    await desk.deposit(5_000)
    await desk.buy(1)
    desk.market.away = True
    with pytest.raises(Problem) as refused:
        await desk.buy(1, 900, key="k")
    assert refused.value.status == 503
    assert len(await desk.portfolios.orders(desk.ann, status=None, before=None, limit=5)) == 1
    (valued,) = await desk.portfolios.positions(desk.ann)
    assert valued.price_minor is None
    desk.market.away = False
    assert (await desk.buy(1, 900, key="k")).status is Status.OPEN
    assert (await desk.has())[:2] == (4_000, 900)


async def test_another_currency_cannot_be_traded(desk) -> None:
    await desk.deposit(5_000)
    desk.market.currency = "EUR"
    with pytest.raises(Problem) as refused:
        await desk.buy(1)
    assert (refused.value.status, refused.value.code) == (422, "currency_mismatch")


async def test_an_account_takes_no_more_than_it_can_count(desk) -> None:
    await desk.deposit(MAX_CASH_MINOR)
    with pytest.raises(Problem) as refused:
        await desk.deposit(1)
    assert (refused.value.status, refused.value.code) == (409, "account_full")


async def test_an_account_that_nobody_used_is_empty_and_not_written(desk) -> None:
    account = await desk.portfolios.account(desk.ann)
    assert (account.currency, account.cash_minor, account.available_minor) == ("USD", 0, 0)
    assert desk.tables.accounts == {}


async def test_what_is_anothers_does_not_exist(desk) -> None:
    await desk.deposit(5_000)
    order = await desk.buy(1, 900)
    for asked in (desk.portfolios.order, desk.portfolios.cancel):
        for user, order_id in ((desk.bob, order.id), (desk.ann, uuid4())):
            with pytest.raises(Problem) as refused:
                await asked(user, order_id)
            assert (refused.value.status, refused.value.code) == (404, "order_unknown")
    assert (await desk.portfolios.order(desk.ann, order.id)).status is Status.OPEN
    assert await desk.portfolios.orders(desk.bob, status=None, before=None, limit=5) == []
    assert await desk.portfolios.trades(desk.bob, before=None, limit=5) == []


async def test_an_order_is_cancelled_once_and_again_is_fine_but_not_when_it_is_filled(desk) -> None:
    await desk.deposit(5_000)
    order = await desk.buy(1, 900)
    for _ in range(2):
        cancelled = await desk.portfolios.cancel(desk.ann, order.id)
        assert (cancelled.status, cancelled.reason) == (Status.CANCELLED, "by_owner")
    filled = await desk.buy(1)
    with pytest.raises(Problem) as refused:
        await desk.portfolios.cancel(desk.ann, filled.id)
    assert (refused.value.status, refused.value.code) == (409, "not_cancellable")


async def test_an_account_has_only_so_many_open_orders(desk) -> None:
    await desk.deposit(MAX_OPEN_ORDERS * 10)
    waiting = [await desk.buy(1, 1) for _ in range(MAX_OPEN_ORDERS)]
    with pytest.raises(Problem) as refused:
        await desk.buy(1, 2, key="once-more")
    assert (refused.value.status, refused.value.code) == (409, "too_many_open_orders")
    assert (await desk.buy(1, 1_000)).status is Status.FILLED, "it does not stay open"
    await desk.portfolios.cancel(desk.ann, waiting[0].id)
    assert (await desk.buy(1, 2, key="once-more")).status is Status.OPEN
