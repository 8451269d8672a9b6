"""The market's rules: what it knows, what it says, and that it needs its database little."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tarmac_kit import DatabaseUnavailable, Problem
from tarmac_market.domain import Instrument

TARM = Instrument("TARM", "Tarmac Roads", "USD", 12_500, 200)
HELX = Instrument("HELX", "Helix Bio", "USD", 4_000, 400)


async def test_quotes_go_on_while_the_database_is_away(world) -> None:
    await world.market.refresh()
    world.instruments.away = True
    await world.market.try_to_refresh()
    assert await world.market.instruments() == [HELX, TARM]
    before = world.market.quote(await world.market.instrument("TARM"))
    world.clock.advance(1)
    assert world.market.quote(TARM).seq == before.seq + 1


async def test_a_market_that_knows_nothing_yet_looks_first(world) -> None:
    assert await world.market.instruments() == [HELX, TARM]
    assert await world.market.chosen([]) == [HELX, TARM]
    assert world.instruments.asked == 1


async def test_an_instrument_that_another_replica_listed_is_found_at_once(world) -> None:
    await world.market.refresh()
    new = replace(TARM, symbol="NEWS")
    world.instruments.known["NEWS"] = new
    assert await world.market.chosen(["NEWS", "TARM", "NEWS"]) == [new, TARM]


async def test_an_unknown_symbol_is_a_404_and_without_a_database_a_503(world) -> None:
    with pytest.raises(Problem) as unknown:
        await world.market.instrument("NONE")
    assert (unknown.value.status, unknown.value.code) == (404, "symbol_unknown")
    world.instruments.away = True
    with pytest.raises(DatabaseUnavailable):
        await world.market.instrument("NONE")


async def test_what_is_listed_once_is_not_listed_again_with_another_base(world) -> None:
    await world.market.add(replace(TARM, symbol="NEWS"))
    with pytest.raises(Problem) as taken:
        await world.market.add(replace(TARM, symbol="NEWS", base_minor=1_000))
    assert (taken.value.status, taken.value.code) == (409, "symbol_taken")
    assert (await world.market.instrument("NEWS")).base_minor == TARM.base_minor


async def test_instruments_are_looked_up_again_and_again(world) -> None:
    world.instruments.away = True
    keeping = asyncio.create_task(world.market.keep_fresh(interval_s=0.001))
    await world.instruments.asked_often(3)
    world.instruments.away = False
    await world.instruments.asked_often(2)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    world.instruments.away = True
    assert await world.market.instruments() == [HELX, TARM]


async def test_a_quote_names_its_tick_its_time_and_the_days_first_price(world) -> None:
    quote = world.market.quote(TARM)
    assert quote.at == world.clock.now
    assert quote.seq == 20 * 86_400 + 3 * 3_600
    assert quote.open_minor == world.market.quote(TARM, 20 * 86_400).price_minor


async def test_a_history_ends_now_or_before_a_tick_and_begins_with_the_epoch(world) -> None:
    now = world.market.tick()
    last = world.market.history(TARM, limit=3, step=10, before=None)
    assert [quote.seq for quote in last] == [now - 20, now - 10, now]
    assert [q.seq for q in world.market.history(TARM, limit=5, step=1, before=2)] == [0, 1]
    assert world.market.history(TARM, limit=5, step=1, before=0) == []
    assert world.market.history(TARM, limit=1, step=1, before=now * 2)[0].seq == now
