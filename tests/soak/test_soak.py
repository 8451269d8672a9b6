"""The shop for ten seconds, or as long as you like: random parts are killed while customers buy.

    TARMAC_SOAK_S=600 TARMAC_SOAK_SEED=3 .venv/bin/pytest -s tests/soak

The seed decides who is hit and when; the same seed hits the same parts in the same order. At the
end every accepted order must have ended as its card says, and all invariants that the shop's file
declares must hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter

import pytest
from remains import remains
from shopping import Load, Shop

LASTS_S = float(os.environ.get("TARMAC_SOAK_S", "10"))
SEED = int(os.environ.get("TARMAC_SOAK_SEED", "3"))
#: At most so many parts of the runtime or of the system are hit at once.
AT_ONCE = 2
RUNTIME = ("fork server", "wires", "guard", "supervisor")
FROZEN_S = 3.0

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(LASTS_S * 2 + 240),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]


async def freeze(shop: Shop, who: str) -> None:
    pids = await asyncio.to_thread(shop.pids, who)
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        await asyncio.sleep(FROZEN_S if number == signal.SIGSTOP else 0)


async def test_a_shop_that_is_hit_at_random_keeps_every_order(capsys):
    shop, choices = Shop(f"soak-{os.getpid()}"), random.Random(SEED)
    hits: Counter[str] = Counter()
    try:
        load = Load(shop, random.Random(SEED))
        await load.bring_up()
        nodes = sorted(shop.nodes())
        async with load.running():
            end = time.monotonic() + LASTS_S
            while time.monotonic() < end:
                await asyncio.sleep(choices.uniform(0.1, 1.5))
                victims = choices.sample([*nodes, *RUNTIME], choices.randint(1, AT_ONCE))
                if choices.random() < 0.15 and "supervisor" not in victims:
                    hits.update(f"{who} frozen" for who in victims)
                    await asyncio.gather(*(freeze(shop, who) for who in victims))
                    continue
                hits.update(victims)
                await asyncio.to_thread(shop.kill, victims)
                if "supervisor" in victims:
                    await load.bring_up()
            await load.buy(load.shoppers[0])
        with capsys.disabled():
            kept = " ".join(f"{kind} {count}" for kind, count in load.tally.items())
            print(f"\nsoak: seed {SEED}, {LASTS_S:g} s: {len(load.accepted)} orders, ", end="")
            print(f"{sum(hits.values())} crashes, {kept}")
            print(f"  hit {dict(hits)}\n  met {dict(load.met)}")
        assert hits
        assert (await asyncio.to_thread(shop.tarmac, "down")).returncode == 0
        assert await asyncio.to_thread(remains, shop.home) == []
    finally:
        await asyncio.to_thread(shop.tarmac, "down", "--delete-data")
