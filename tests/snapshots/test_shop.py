"""The shop sells, is saved, sells more and is loaded: only what was sold later is gone."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from typing import Any

import aiohttp
import pytest
from copies import ROOT, TARMAC, Copy
from shopping import Load, Shopper

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]
ORDERS = "SELECT id::text FROM orders"
SERVICES = ("order-service", "user-service", "product-service", "payment-service", "storefront")


def snapshot(shop: Copy, verb: str, name: str) -> dict[str, Any]:
    command = [TARMAC, "snapshot", verb, "shop", name, "-n", shop.namespace, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


async def test_orders_after_the_snapshot_are_gone_and_every_invariant_holds():
    shop, name = Copy("shop", f"snapshot-{os.getpid()}"), f"test-{os.getpid()}"
    try:
        load = Load(shop, random.Random(5))
        await load.bring_up()
        async with load.running():
            await asyncio.sleep(2)
            # In the midst of sagas: they go on after the load.
            saved = await asyncio.to_thread(snapshot, shop, "save", name)
            for _ in range(5):
                await load.buy(load.shoppers[0])
        services = {one: await asyncio.to_thread(shop.pids, one) for one in SERVICES}
        after = set(await shop.rows("orders-db", ORDERS))
        loaded = await asyncio.to_thread(snapshot, shop, "load", name)
        before = set(await shop.rows("orders-db", ORDERS))
        assert before < after
        assert len(after - before) >= 5
        assert before
        assert [one["name"] for one in loaded["invariants"] if not one["holds"]] == []
        assert len(loaded["invariants"]) > 20
        assert loaded["restarted"] == []
        assert {one: await asyncio.to_thread(shop.pids, one) for one in SERVICES} == services
        print(f"paused: save {saved['pause_s']} s, load {loaded['pause_s']} s")
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
            shopper = Shopper(session, load.gateway)
            assert (await shopper.sign_up()).status == 201
            load.products = [await shopper.find("kettle")]
            await load.buy(shopper)
            sold = set(await shop.rows("orders-db", ORDERS)) - before
            assert len(sold) == 1
    finally:
        await asyncio.to_thread(shop.tarmac, "down", "--delete-data")
        command = [TARMAC, "snapshot", "delete", "shop", name]
        await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=False)
