"""Limit orders as jobs: filled when their price comes, ended otherwise, and once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tarmac_kit import RetryLater
from tarmac_portfolio.domain import Status


async def test_it_waits_and_is_filled_at_the_quote_that_meets_its_limit(desk) -> None:
    await desk.deposit(5_000)
    order = await desk.buy(2, 900)
    (job,) = await desk.jobs.run_due()
    assert (job.id, job.state, job.attempts) == (order.id, "queued", 0)
    desk.market.price_minor = 880
    (job,) = await desk.jobs.run_due()
    assert (job.state, job.result) == ("done", {"status": "filled"})
    filled = await desk.portfolios.order(desk.ann, order.id)
    assert (filled.status, filled.price_minor) == (Status.FILLED, 880)
    assert await desk.has() == (5_000 - 1_760, 0, 2, 0)
    assert await desk.jobs.run_due() == []


async def test_shares_are_sold_when_the_quote_rises_to_the_limit(desk) -> None:
    await desk.deposit(5_000)
    await desk.buy(2)
    await desk.sell(2, 1_100)
    desk.market.price_minor = 1_099
    await desk.jobs.run_due()
    assert await desk.has() == (3_000, 0, 2, 2)
    desk.market.price_minor = 1_100
    await desk.jobs.run_due()
    assert await desk.has() == (5_200, 0, 0, 0)


async def test_what_was_cancelled_leaves_its_job_nothing_to_do(desk) -> None:
    await desk.deposit(5_000)
    order = await desk.buy(2, 900)
    await desk.portfolios.cancel(desk.ann, order.id)
    desk.market.price_minor = 800
    (job,) = await desk.jobs.run_due()
    assert (job.state, job.result) == ("done", {"status": "cancelled"})
    assert await desk.has() == (5_000, 0, 0, 0)


async def test_what_is_cancelled_while_the_quote_is_asked_for_is_not_filled(desk) -> None:
    await desk.deposit(5_000)
    order = await desk.buy(2, 900)
    desk.market.price_minor = 800
    asked = desk.market.quote

    async def meanwhile(symbol):
        await desk.portfolios.cancel(desk.ann, order.id)
        return await asked(symbol)

    desk.market.shared_quote = meanwhile
    (job,) = await desk.jobs.run_due()
    assert (job.state, job.result) == ("done", {"status": "ended before"})
    assert await desk.has() == (5_000, 0, 0, 0)


async def test_a_day_order_ends_with_its_day_even_without_a_market(desk) -> None:
    await desk.deposit(5_000)
    order = await desk.buy(2, 900)
    assert order.expires_at.isoformat() == "2026-05-05T00:00:00+00:00"
    desk.market.away = True
    (job,) = await desk.jobs.run_due()
    assert job.state == "queued"
    desk.next_day()
    (job,) = await desk.jobs.run_due()
    assert (job.state, job.result) == ("done", {"status": "expired"})
    expired = await desk.portfolios.cancel(desk.ann, order.id)
    assert (expired.status, expired.reason) == (Status.EXPIRED, "day_over")
    assert await desk.has() == (5_000, 0, 0, 0)


async def test_it_is_looked_at_when_its_day_ends_and_not_a_whole_pause_later(desk) -> None:
    await desk.deposit(5_000)
    order = await desk.buy(2, 900)
    desk.now = order.expires_at.replace(day=4, hour=23, minute=59, second=59, microsecond=750_000)
    (job,) = desk.jobs.kept.values()
    with pytest.raises(RetryLater) as later:
        await desk.limits.run(job)
    assert later.value.seconds == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("price_minor", "pause_s"),
    [(900, 1.0), (90_010, 1.0), (90_180, 2.0), (90_450, 5.0), (99_000, 10.0), (900_000, 10.0)],
)
async def test_what_is_far_from_its_price_is_looked_at_less_often(
    desk, price_minor, pause_s
) -> None:
    limit = 899 if price_minor == 900 else 90_000
    desk.market.price_minor = price_minor
    await desk.deposit(500_000)
    await desk.buy(1, limit)
    (job,) = desk.jobs.kept.values()
    with pytest.raises(RetryLater) as later:
        await desk.limits.run(job)
    assert later.value.seconds == pytest.approx(pause_s, rel=0.2)


async def test_an_order_that_is_gone_is_an_error_and_not_an_end(desk) -> None:
    await desk.deposit(5_000)
    await desk.buy(2, 900)
    (job,) = desk.jobs.kept.values()
    with pytest.raises(LookupError, match="deleted by hand"):
        await desk.limits.run(replace(job, payload={**job.payload, "owner": "bob"}))
