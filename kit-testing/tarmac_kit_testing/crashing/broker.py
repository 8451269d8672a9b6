"""The broker of the hosted services: keeps messages over their ends and delivers at least once.

It lives in the test's process, so it never dies; messages in flight in a dead service are
redelivered at once. One message at a time per group, topic and key, as the real adapters do. It
does not recognise one that is published twice: no service may count on that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tarmac_kit_testing.crashing.peer import Peer, PeerError, PeerGone

#: Before a message whose handler failed is tried again, by attempt; the last for all further ones.
RETRY_S = (0.02, 0.05, 0.1, 0.2)
IN_FLIGHT = 64


@dataclass(eq=False)
class PendingMessage:
    """A message on its way to one group."""

    message: dict[str, Any]
    attempts: int = 0


@dataclass(eq=False)
class GroupQueue:
    """What one group has still to do of one topic."""

    group: str
    topic: str
    waiting: deque[PendingMessage] = field(default_factory=deque)
    in_flight: list[PendingMessage] = field(default_factory=list)
    peer: Peer | None = None


class MemoryBroker:
    """Topics, the groups that consume them, and the messages in flight."""

    def __init__(self) -> None:
        self._queues: dict[tuple[str, str], GroupQueue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        #: Everything that was published since `forget`, and what was dead-lettered.
        self.published: list[dict[str, Any]] = []
        self.dead_letters: list[tuple[dict[str, Any], str]] = []

    @property
    def idle(self) -> bool:
        """Return whether every message was handled by every group."""
        return not any(queue.waiting or queue.in_flight for queue in self._queues.values())

    def publish(self, message: dict[str, Any]) -> None:
        """Keep a message for each group that consumes its topic."""
        self.published.append(message)
        for queue in self._queues.values():
            if queue.topic == message["topic"]:
                queue.waiting.append(PendingMessage(message))
                self._pump(queue)

    def consume(self, topic: str, group: str, peer: Peer) -> None:
        """Let a process take part in a group; it replaces the one that died."""
        queue = self._queues.setdefault((group, topic), GroupQueue(group, topic))
        queue.peer = peer
        self._pump(queue)

    def lost(self, peer: Peer) -> None:
        """Take back the messages in flight in a process that ended."""
        for queue in self._queues.values():
            if queue.peer is peer:
                queue.peer = None
                queue.waiting.extendleft(reversed(queue.in_flight))
                queue.in_flight.clear()

    def forget(self) -> None:
        """Drop every message, for a new beginning."""
        for queue in self._queues.values():
            queue.waiting.clear()
            queue.in_flight.clear()
        self.published.clear()
        self.dead_letters.clear()

    def _pump(self, queue: GroupQueue) -> None:
        if queue.peer is None:
            return
        busy = {parcel.message["key"] for parcel in queue.in_flight}
        for parcel in [*queue.waiting]:
            key = parcel.message["key"]
            if len(queue.in_flight) >= IN_FLIGHT:
                return
            if key and key in busy:
                continue
            busy.add(key)
            queue.waiting.remove(parcel)
            queue.in_flight.append(parcel)
            self._begin(self._deliver(queue, parcel, queue.peer))

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, queue: GroupQueue, parcel: PendingMessage, peer: Peer) -> None:
        parcel.attempts += 1
        try:
            outcome = await peer.ask(
                "deliver", group=queue.group, attempt=parcel.attempts, message=parcel.message
            )
        except PeerGone:
            return  # `lost` gives it back
        except PeerError as error:
            outcome = {"settled": "park", "reason": str(error)}
        if parcel not in queue.in_flight or queue.peer is not peer:
            return
        if outcome["settled"] == "retry":
            await asyncio.sleep(RETRY_S[min(parcel.attempts, len(RETRY_S)) - 1])
            if parcel not in queue.in_flight:
                return
            queue.waiting.appendleft(parcel)
        elif outcome["settled"] == "park":
            self.dead_letters.append((parcel.message, outcome["reason"]))
        queue.in_flight.remove(parcel)
        self._pump(queue)
