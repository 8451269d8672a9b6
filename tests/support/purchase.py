"""Purchases in systems of a cluster, as visitors make them: each needs all services and stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
from cluster_entry import Entry
from journeys import journeys_of

#: What a test waits for at most, on a machine that is busy with others.
LONG_S = 200.0
#: Kept of a purchase, by which it is found again: who asks, and for what.
Purchase = Callable[[], Awaitable[str]]


async def in_starter(session: aiohttp.ClientSession, entry: Entry) -> Purchase:
    """Sign up, order, and find the order beside one's own document, which asks by a Service."""
    ann = journeys_of("starter").Person(session, entry.url("api.starter.localhost"))
    assert (await ann.sign_up(city="Ghent")).status == 201
    ordered = await ann.order()
    assert ordered.status == 201, ordered.data

    async def again() -> str:
        assert (await ann.profile()).data["city"] == "Ghent"
        (order,) = (await ann.orders()).data["items"]
        assert order["id"] == ordered.data["id"]
        state: str = order["status"]
        return state

    return again


async def in_trading(session: aiohttp.ClientSession, entry: Entry) -> Purchase:
    """Sign up, pay in, and buy shares."""
    tess = journeys_of("trading").Trader(session, entry.url("app.trading.localhost"))
    while (await tess.sign_up()).status == 504:  # a hash took too long on a busy machine
        pass
    assert (await tess.deposit(1_000_000)).status == 201
    assert len(await tess.instruments()) >= 10
    bought = await tess.buy("TARM", 10)
    assert (bought.status, bought.data["status"]) == (201, "filled")

    async def again() -> str:
        position = (await tess.positions())["TARM"]
        assert (position["quantity"], position["cost_minor"]) == (
            10,
            10 * bought.data["price_minor"],
        )
        assert (await tess.account())["cash_minor"] == 1_000_000 - position["cost_minor"]
        return "filled"

    return again


async def in_travel(session: aiohttp.ClientSession, entry: Entry) -> Purchase:
    """Book a trip: its order and its payment meet over Kafka, by way of captured changes."""
    tess = journeys_of("travel").Traveller(session, entry.url("api.travel.localhost"))
    while (await tess.sign_up()).status == 504:  # as above
        pass
    trip = (await tess.find("walk"))["id"]
    before = await tess.places(trip)
    assert (await tess.put(trip)).status == 200
    booked = await tess.check_out()
    assert booked.status in (201, 202), booked.data
    assert (await tess.ended(booked.data["id"], LONG_S))["status"] == "confirmed"
    assert await tess.places(trip) == before - 1

    async def again() -> str:
        status: str = (await tess.ended(booked.data["id"]))["status"]
        return status

    return again


async def purchase(session: aiohttp.ClientSession, gateway: str) -> None:
    """Sign up, find something, order it, and wait until the order is confirmed."""
    ann = journeys_of("shop").Shopper(session, gateway)
    while (await ann.sign_up()).status == 504:  # a hash took too long on a busy machine
        pass
    kettle = (await ann.find("kettle"))["id"]
    placed = await ann.order(kettle, 1)
    assert placed.status in (201, 202), placed.data
    assert (await ann.ended(placed.data["id"]))["status"] == "confirmed"


async def purchase_at(gateway: str) -> None:
    """Do so by a connection of its own."""
    async with aiohttp.ClientSession() as session:
        await purchase(session, gateway)
