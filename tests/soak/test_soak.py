"""Each system for some seconds, or as long as you like: random parts are killed while people order.

    TARMAC_SOAK_S=600 TARMAC_SOAK_SEED=3 .venv/bin/pytest -s tests/soak

The seed decides who is hit and when; the same seed hits the same parts in the same order. At the
end the rows must be what customers were told, and all invariants of the system's file must hold.
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
from copies import Copy
from other_brokers import on_rabbitmq
from remains import remains
from storming import STORMS, Load, Storm

LASTS_S = float(os.environ.get("TARMAC_SOAK_S", "10"))
SEED = int(os.environ.get("TARMAC_SOAK_SEED", "3"))
#: The longest time between two hits.
EVERY_S = float(os.environ.get("TARMAC_SOAK_EVERY_S", "1.5"))
#: At most so many parts of the runtime or of the system are hit at once.
AT_ONCE = 2
RUNTIME = ("fork server", "wires", "guard", "supervisor")
FROZEN_S = 3.0

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(LASTS_S * 2 + 400),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]


def _named(param: tuple[Storm, str]) -> str:
    storm, broker = param
    return f"{storm.system}-on-{broker}" if broker else storm.system


async def freeze(copy: Copy, who: str) -> None:
    pids = await asyncio.to_thread(copy.pids, who)
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        await asyncio.sleep(FROZEN_S if number == signal.SIGSTOP else 0)


async def hit(load: Load, choices: random.Random, hits: Counter[str]) -> None:
    """Kill or freeze one or two parts at random, and bring the supervisor back."""
    nodes = sorted(load.copy.nodes())
    victims = choices.sample([*nodes, *RUNTIME], choices.randint(1, AT_ONCE))
    if choices.random() < 0.15 and "supervisor" not in victims:
        hits.update(f"{who} frozen" for who in victims)
        await asyncio.gather(*(freeze(load.copy, who) for who in victims))
        return
    hits.update(victims)
    await asyncio.to_thread(load.copy.kill, victims)
    if "supervisor" in victims:
        await load.bring_up()


@pytest.fixture(params=[*((storm, "") for storm in STORMS), (STORMS[0], "rabbitmq")], ids=_named)
def stormed(request, tmp_path) -> tuple[Storm, Copy]:
    storm, broker = request.param
    elsewhere = on_rabbitmq(tmp_path) if broker else None
    return storm, Copy(storm.system, f"soak-{os.getpid()}", elsewhere)


async def test_a_system_that_is_hit_at_random_keeps_every_order(capsys, request, stormed):
    (storm, copy), choices = stormed, random.Random(SEED)
    hits: Counter[str] = Counter()
    try:
        load = Load(storm, copy, random.Random(SEED))
        await load.bring_up()
        async with load.running():
            end = time.monotonic() + LASTS_S
            while time.monotonic() < end:
                await asyncio.sleep(choices.uniform(0.1, EVERY_S))
                await hit(load, choices, hits)
            await load.order(load.customers[0])
        wrong = await load.wrong()
        with capsys.disabled():
            print(f"\nsoak of {request.node.callspec.id}: seed {SEED}, {LASTS_S:g} s: ", end="")
            print(f"{len(load.accepted)} accepted, {sum(hits.values())} hits, {len(wrong)} wrong")
            print(f"  hit {dict(hits)}\n  met {dict(load.met)}")
        assert not wrong, "; ".join(wrong[:10])
        assert hits
        assert (await asyncio.to_thread(copy.tarmac, "down")).returncode == 0
        assert await asyncio.to_thread(remains, copy.home) == []
    finally:
        await asyncio.to_thread(copy.tarmac, "down", "--delete-data")
