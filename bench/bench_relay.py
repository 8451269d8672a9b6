"""What the kit's outbox costs: rows by its relay beside the same messages sent without a database.

Both publish to one NATS server that syncs each message. Ours reads committed rows, publishes them
in the order of their keys and marks them; theirs publishes from memory with as many in flight. The
time from a commit until the consumer has the message is beside that from the call of publish.
"""

from __future__ import annotations

import asyncio
import statistics

from bench.figure import Figure, sized
from bench.outboxes import ROWS, TIMED, Ground, ground, running, servers

from tarmac_kit.relay import Relay

ROUNDS = sized(3, 1)
AT_ONCE = 256


def measure() -> list[Figure]:
    """Return the rate, and the median and 99th percentile of the time to a consumer."""
    with servers() as urls:
        rates, ours_ms, theirs_ms = asyncio.run(_measured(*urls))
    ours, theirs = (statistics.median(side) for side in zip(*rates, strict=True))
    broker = "NATS that syncs each message"
    how = f"{ROWS} rows; theirs: published to the same {broker}, no database, {AT_ONCE} in flight"
    timed = (
        f"from the commit, theirs from the call of publish, until the handler is called; {TIMED} "
        f"one after another; {broker}"
    )
    return [
        Figure(
            "rows by the kit's relay",
            "rows/s",
            ours,
            theirs,
            f"more is better; {how}; medians of {ROUNDS} in turns",
        ),
        Figure(
            "commit to consumer, median",
            "ms",
            statistics.median(ours_ms),
            statistics.median(theirs_ms),
            timed,
        ),
        Figure("commit to consumer, 99th percentile", "ms", _p99(ours_ms), _p99(theirs_ms), timed),
    ]


async def _measured(
    database_url: str, broker_url: str
) -> tuple[list[tuple[float, float]], list[float], list[float]]:
    async with ground(database_url, broker_url) as found:
        relay = relay_of(found)
        found.outbox.on_commit = relay.wake
        async with running(relay.run):
            await found.after_commit_ms()  # the first of each are slower
            ours_ms = await found.after_commit_ms()
        await found.after_publish_ms()
        theirs_ms = await found.after_publish_ms()
        rates = []
        for _ in range(ROUNDS):
            await found.clear()
            await found.write()
            rates.append((await found.moved(relay_of(found).run), await found.sent(AT_ONCE)))
        return rates, ours_ms, theirs_ms


def relay_of(found: Ground) -> Relay:
    """Make a relay with the chassis's settings that counts what it has published."""
    return Relay(found.database, found.bus, batch=AT_ONCE, published=found.count)


def _p99(times_ms: list[float]) -> float:
    return statistics.quantiles(times_ms, n=100)[98]
