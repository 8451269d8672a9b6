"""Each part of the running shop is killed under load: what comes back by itself, and what is kept.

A soak with random victims is in tests/soak.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time

import pytest
from copies import Copy
from remains import remains
from shopping import Load

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

LONG = bool(os.environ.get("TARMAC_SOAK_S"))
#: The supervisor lives: what was killed comes back by itself.
ALONE = ["orders-db", "broker", "fork server", "guard"]
REST = [
    *("wires", "order-service", "api-gateway", "user-service", "product-service"),
    "payment-service",
    *("notification-service", "users-db", "products-db", "payments-db", "cache", "mail"),
]
#: The supervisor is among them: `up` makes it whole.
TOGETHER = [["supervisor"], ["everything"]]
MORE = [
    *(["supervisor", "guard"], ["supervisor", "fork server"], ["supervisor", "wires"]),
    ["guard", "wires"],
]


async def healthy(shop: Copy, within_s: float = 90) -> None:
    end = time.monotonic() + within_s
    while True:
        nodes = await asyncio.to_thread(shop.nodes)
        unwell = {n: node["state"] for n, node in nodes.items() if node["state"] != "healthy"}
        if not unwell:
            return
        assert time.monotonic() < end, unwell
        await asyncio.sleep(0.1)


async def test_whatever_is_killed_under_load_no_order_is_lost_or_doubled(capsys):
    shop = Copy("shop", f"hard-{os.getpid()}")
    took = {}
    try:
        load = Load(shop, random.Random(11))
        await load.bring_up()
        async with load.running():
            alone = [[who] for who in (ALONE + REST if LONG else ALONE)]
            for victims in [*alone, *TOGETHER, *(MORE if LONG else ())]:
                await asyncio.sleep(0.3)  # some orders are under way
                began = time.monotonic()
                assert await asyncio.to_thread(shop.kill, victims), victims
                if {"supervisor", "everything"} & {*victims}:
                    await load.bring_up()
                await load.buy(load.shoppers[0])
                sold_s = time.monotonic() - began
                await healthy(shop)
                print(f"{'+'.join(victims)}: {dict(load.met)}")
                took["+".join(victims)] = (round(sold_s, 2), round(time.monotonic() - began, 2))
            accepted = len(load.accepted)
        assert len(load.accepted) >= accepted > len(took)
        with capsys.disabled():
            print("\nkilled: seconds until an order was accepted, until all was healthy")
            for victims, (sold_s, healthy_s) in took.items():
                print(f"  {victims:24} {sold_s:6.2f} {healthy_s:6.2f}")
            print(f"  {len(load.accepted)} orders; met {dict(load.met)}")
        for pid in await asyncio.to_thread(shop.pids, "fork server"):
            os.kill(pid, signal.SIGSTOP)  # it would pass no signal on
        assert (await asyncio.to_thread(shop.tarmac, "down")).returncode == 0
        assert await asyncio.to_thread(remains, shop.home) == []
    finally:
        await asyncio.to_thread(shop.tarmac, "down", "--delete-data")
