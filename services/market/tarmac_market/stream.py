"""Quotes as they come: one stream of server-sent events for each reader.

Made by the endpoints for a request. A stream keeps the tick that it sent last and nothing else:
a slow reader gets the present tick next, not a queue. It asks no database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tarmac_kit import Problem
from tarmac_market.domain import Instrument
from tarmac_market.schemas import QuoteOut
from tarmac_market.service import Market

#: Ticks that a reader who comes back may have missed and still gets.
REPLAY = 300
#: Ticks that a reader who stayed may be behind: a busy moment is not a slow reader.
BEHIND = 3
#: What a browser waits before it comes back.
RETRY_MS = 1000
#: How often a stream looks whether the process is ending.
LOOK_S = 0.5
#: Frames that are kept: readers of the same instruments share them.
_KEPT = 64


@dataclass
class Streams:
    """The streams of one process."""

    market: Market
    heartbeat_s: float
    most: int
    #: Says whether the process is ending.
    draining: Callable[[], bool]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    open: int = 0
    _frames: dict[tuple[int, tuple[Instrument, ...]], bytes] = field(default_factory=dict)

    def start(
        self, instruments: Sequence[Instrument], *, after: int | None, ticks: int | None
    ) -> AsyncIterator[bytes]:
        """Begin a stream after the tick that the reader had last, for so many ticks at most.

        Without `after` it begins with the present tick. Too many streams are a problem 503.
        """
        if self.open >= self.most:
            raise Problem(
                503,
                "too_many_streams",
                "There are too many streams",
                f"at most {self.most} are served at once; ask for quotes instead, or later",
                headers={"Retry-After": "5"},
            )
        return self._events(tuple(instruments), after, ticks)

    async def _events(
        self, instruments: tuple[Instrument, ...], after: int | None, ticks: int | None
    ) -> AsyncIterator[bytes]:
        self.open += 1
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            now = self.market.tick()
            # A tick that has not come yet is of another seed or epoch: begin again.
            last = now - 1 if after is None or after > now else max(after, now - REPLAY)
            said_at = self.monotonic()
            while ticks is None or ticks > 0:
                now = self.market.tick()
                for tick in range(last + 1, now + 1)[:ticks]:
                    yield self._frame(tick, instruments)
                    last, said_at = tick, self.monotonic()
                    ticks = None if ticks is None else ticks - 1
                if self.draining():
                    return
                if self.monotonic() - said_at >= self.heartbeat_s:
                    yield b": alive\n\n"
                    said_at = self.monotonic()
                await self.sleep(self._pause_s())
                last = max(last, self.market.tick() - BEHIND)
        finally:
            self.open -= 1

    def _pause_s(self) -> float:
        calendar = self.market.calendar
        now = self.market.now()
        until = (calendar.at(calendar.tick(now) + 1) - now).total_seconds()
        return min(max(until, 0.001), LOOK_S, self.heartbeat_s)

    def _frame(self, tick: int, instruments: tuple[Instrument, ...]) -> bytes:
        key = (tick, instruments)
        if key not in self._frames:
            if len(self._frames) >= _KEPT:
                del self._frames[next(iter(self._frames))]
            self._frames[key] = self._encode(tick, instruments)
        return self._frames[key]

    def _encode(self, tick: int, instruments: tuple[Instrument, ...]) -> bytes:
        events = []
        for instrument in instruments:
            data = QuoteOut.model_validate(self.market.quote(instrument, tick)).model_dump_json()
            # Only the tick's last event moves the reader's id on: one that is cut off before it
            # asks for the whole tick again.
            given = f"id: {tick}\n" if instrument is instruments[-1] else ""
            events.append(f"{given}event: quote\ndata: {data}\n\n")
        return "".join(events).encode()
