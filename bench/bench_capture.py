"""What reading the log of changes costs: rows by the capture service beside rows by the relay.

Both empty the same outbox into one NATS server that syncs each message, in the same process, with
the same rows. The relay asks the table for its rows and marks them; capture is sent them by the
server out of its log, and confirms its place there. What it does for other tables is not measured.
"""

from __future__ import annotations

import asyncio
import statistics

from bench.bench_relay import relay_of
from bench.figure import Figure, sized
from bench.outboxes import RATE, ROWS, TIME, TIMED, Ground, ground, running, servers

from tarmac_capture.repository import CaptureRepository
from tarmac_capture.service import Capture
from tarmac_kit.capture_names import OUTBOX_PUBLICATION
from tarmac_kit.capture_owner import CaptureOwner

ROUNDS = sized(3, 1)


class _Meters:
    """Counts what capture has published, where the relay's is counted."""

    def __init__(self, found: Ground) -> None:
        self.published = found.count

    def behind(self, size_bytes: int) -> None:
        """Count nothing."""

    def took(self, seconds: float) -> None:
        """Count nothing."""

    def began(self) -> None:
        """Count nothing."""


def measure() -> list[Figure]:
    """Return the rate, and the median and 99th percentile of the time to a consumer."""
    with servers() as urls:
        rates, ours_ms, theirs_ms = asyncio.run(_measured(*urls))
    ours, theirs = (statistics.median(side) for side in zip(*rates, strict=True))
    how = f"{ROWS} rows; theirs: the kit's relay; NATS that syncs each message"
    timed = (
        f"from the commit until the handler is called; {TIMED} one after another; theirs: the relay"
    )
    return [
        Figure(
            "rows by capture",
            "rows/s",
            ours,
            theirs,
            f"more is better; {how}; medians of {ROUNDS} in turns",
        ),
        Figure(
            "commit to consumer by capture, median",
            "ms",
            statistics.median(ours_ms),
            statistics.median(theirs_ms),
            timed,
        ),
        Figure(
            "commit to consumer by capture, 99th percentile",
            "ms",
            statistics.quantiles(ours_ms, n=100)[98],
            statistics.quantiles(theirs_ms, n=100)[98],
            timed,
        ),
    ]


async def _measured(
    database_url: str, broker_url: str
) -> tuple[list[tuple[float, float]], list[float], list[float]]:
    async with ground(database_url, broker_url) as found:
        async with found.database.connection() as conn:
            await CaptureOwner(found.database, outbox=True).publish(conn)
        async with running(_capture(found).run):
            await found.after_commit_ms()  # the first one waits until it has begun
            ours_ms = await found.after_commit_ms()
        await found.clear()
        relay = relay_of(found)
        found.outbox.on_commit = relay.wake
        async with running(relay.run):
            await found.after_commit_ms()
            theirs_ms = await found.after_commit_ms()
        found.outbox.on_commit = None
        rates = []
        for _ in range(ROUNDS):
            pair = []
            for run in (_capture(found).run, relay_of(found).run):
                await found.clear()
                await found.write()
                pair.append(await found.moved(run))
            rates.append((pair[0], pair[1]))
        return rates, ours_ms, theirs_ms


def _capture(found: Ground) -> Capture:
    return Capture(
        CaptureRepository(found.database),
        found.bus,
        _Meters(found),
        publishes={RATE, TIME},
        publications=(OUTBOX_PUBLICATION,),
    )
