"""What it costs the shop to be seen: the same load with every trace sent, and with none.

Customers order over the gateway of two copies of the shop, one load at a time, in turns. One has
spans of every request, statement and message sent to the telemetry process, which decodes and
writes them on the same cores; a second pair has the heads of requests counted on the wires, too.
"""

from __future__ import annotations

import asyncio
import statistics

from bench.copies import changed
from bench.figure import Figure, sized
from bench.ordering import AT_ONCE, ordered, signed_up, with_cheap_passwords

from tarmac.testing import System, running

ROUNDS, SECONDS = sized((5, 4), (1, 1))


def measure() -> list[Figure]:
    """Return orders per second with traces, and with counted requests besides."""
    return [_observed("traces", inspect=False), _observed("traces and counted", inspect=True)]


def _observed(what: str, *, inspect: bool) -> Figure:
    with (
        changed("shop", with_cheap_passwords) as file,
        running(file, name="seen", telemetry=True, inspect=inspect) as seen,
        running(file, name="bare") as bare,
    ):
        tokens = [asyncio.run(signed_up(shop)) for shop in (seen, bare)]
        rounds = [(_rate(seen, tokens[0]), _rate(bare, tokens[1])) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(side) for side in zip(*rounds, strict=True))
    return Figure(
        f"checkout through the shop with {what}",
        "orders/s",
        ours,
        theirs,
        f"more is better; {AT_ONCE} at once, both cores busy; medians of {ROUNDS} loads of "
        f"{SECONDS} s in turns; theirs: without telemetry",
    )


def _rate(shop: System, tokens: list[str]) -> float:
    return len(asyncio.run(ordered(shop, tokens, SECONDS))) / SECONDS
