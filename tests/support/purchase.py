"""A purchase in the shop of a cluster, as a visitor makes it: it needs all services and stores."""

from __future__ import annotations

import aiohttp
from journeys import journeys_of


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
