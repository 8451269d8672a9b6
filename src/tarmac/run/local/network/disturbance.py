"""What a fault does to the bytes of a wire: delays, limits, stalls and resets them.

Used by wires.py, in its process, while a drill disturbs an edge by an `EdgeRule`. It never loses or
reorders a byte: TCP would not either, it would only take longer. What is done to requests is in
http_faults.py.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tarmac.base.target import EdgeRule

#: What may wait of one direction of a connection before its sender is made to wait.
HIGH_WATER_BYTES = 256 * 1024


@dataclass
class Effect:
    """What a rule did so far."""

    delayed: int = 0
    stalled: int = 0
    reset: int = 0
    #: Requests that got an error instead of the service's answer.
    answered: int = 0
    #: Answers that had a body to be slow with.
    slowed: int = 0
    #: New connections beyond the limit.
    refused: int = 0
    #: New connections that led to another place than the target.
    misdirected: int = 0
    #: Seconds that chunks were delayed, in all.
    delay_s: float = 0.0

    def counts(self) -> dict[str, float]:
        """Say it as data."""
        return dict(vars(self))


@dataclass
class Disturbance:
    """A rule at work on one wire."""

    rule: EdgeRule
    effect: Effect = field(default_factory=Effect)
    chance: random.Random = field(default_factory=random.Random)
    #: Set at its end: what is stalled goes on.
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def stalls(self, *, sent: bool) -> bool:
        """Tell whether one direction is stalled; `sent` is from the caller's side."""
        return self.rule.stall in ("both", "sent" if sent else "received")

    @property
    def refuses(self) -> bool:
        """Whether new connections stall as well as open ones."""
        return self.stalls(sent=True)

    @property
    def reads_http(self) -> bool:
        """Whether it is about requests and answers, and not about bytes."""
        return bool(self.rule.error_share or self.rule.body_bytes_per_s)

    def resets(self) -> bool:
        """Decide whether a connection is reset."""
        return self.chance.random() < self.rule.reset_share

    def errs(self) -> bool:
        """Decide whether a request is answered with an error."""
        return self.chance.random() < self.rule.error_share

    def delay_s(self) -> float:
        """Choose the delay of a chunk."""
        jitter_s = self.rule.jitter_s
        return max(0.0, self.rule.delay_s + self.chance.uniform(-jitter_s, jitter_s))


class Flow:
    """One direction of one connection: what came waits here until it may go on, in its order.

    Args:
        sent: whether it is the caller's direction.
        disturbed: tells what is done to the wire now; None: nothing any more.
        hold: told when too much waits, and when that is over.
    """

    def __init__(
        self,
        *,
        sent: bool,
        disturbed: Callable[[], Disturbance | None],
        hold: Callable[[bool], None],
    ) -> None:
        self._sent = sent
        self._disturbed = disturbed
        self._hold = hold
        self._waiting: deque[tuple[float, int, Callable[[], None]]] = deque()
        self._bytes = 0
        #: When the last chunk that was taken goes on, and when the line is free for another.
        self._last_at = self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def take(self, size: int, deliver: Callable[[], None], bytes_per_s: float = 0.0) -> None:
        """Schedule a chunk for delivery at its time; size 0 is the end of the stream.

        Args:
            bytes_per_s: a limit for this alone; 0: only the rule's.
        """
        now = asyncio.get_running_loop().time()
        disturbance = self._disturbed()
        due = now
        if disturbance is not None and size:
            rule, effect = disturbance.rule, disturbance.effect
            due += disturbance.delay_s()
            if limits := [limit for limit in (rule.bytes_per_s, bytes_per_s) if limit]:
                self._free_at = max(now, self._free_at) + size / min(limits)
                due = max(due, self._free_at)
            effect.stalled += disturbance.stalls(sent=self._sent)
            effect.delayed += due > now
            effect.delay_s += due - now
        self._last_at = max(due, self._last_at)  # never before what came before it
        self._waiting.append((self._last_at, size, deliver))
        self._bytes += size
        if self._bytes > HIGH_WATER_BYTES:
            self._hold(True)
        self.go_on()

    def go_on(self) -> None:
        """Deliver what is due, and come back for the rest; also called when the rule changes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        disturbance = self._disturbed()
        if disturbance is not None and disturbance.stalls(sent=self._sent):
            return
        loop = asyncio.get_running_loop()
        while self._waiting:
            due, size, deliver = self._waiting[0]
            # Once nothing is disturbed any more, what waits need not wait any longer.
            if disturbance is not None and due > loop.time():
                self._timer = loop.call_at(due, self.go_on)
                return
            self._waiting.popleft()
            self._bytes -= size
            deliver()
        self._hold(False)

    def drop(self) -> None:
        """Deliver nothing of what waits."""
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
