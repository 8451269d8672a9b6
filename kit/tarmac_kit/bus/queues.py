"""What a RabbitMQ broker must hold for a group to consume a topic: names and arguments, as data.

Used by the RabbitMQ adapter, which declares what is missing; a broker that is set up beforehand
declares the same. It talks to no broker.

- A topic exchange per first token of a topic ("order"), so that a consumer without the kit can bind
  `order.*`, and so that the broker can hold each service to its own topics by their routing keys.
- A durable queue per group and topic, `<group>.<topic>`. A classic one: its confirmed messages are
  synced to disk and survive kill -9, at the rate of a quorum queue, while a quorum queue with one
  member may find no leader after such an end (RabbitMQ 3.10.8: the queue written last never did).
  An operator of several nodes makes quorum queues of the same names beforehand: what is there
  already is taken as it is.
- What failed is put into `retry.<group>.<topic>`, and its group takes it from there and waits. Not
  a queue with a time to live: there the broker moves a message on without a confirmation.
- What can never be handled is dead-lettered in `parked.<group>.<topic>`.
- What no queue accepts is kept in `unrouted` for a week, as a stream would: an event without
  a consumer can be published, and one that came too early can be looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DEAD_LETTER = "parked"
RETRY = "retry"
UNROUTED = "unrouted"
#: Unrouted messages are dropped after this, or above this size, so that a disk cannot fill up.
UNROUTED_MS = 7 * 86_400_000
UNROUTED_BYTES = 64 * 1024 * 1024

Arguments = Mapping[str, str | int]

_CLASSIC: Arguments = {"x-queue-type": "classic"}


@dataclass(frozen=True)
class Exchange:
    """A durable exchange."""

    name: str
    type: str = "topic"
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True)
class Queue:
    """A durable queue and what it is bound to."""

    name: str
    exchange: str
    key: str
    arguments: Arguments = field(default_factory=lambda: _CLASSIC)


def exchange_of(topic: str) -> Exchange:
    """Name the exchange that a topic is published to."""
    return Exchange(topic.split(".", 1)[0], arguments={"alternate-exchange": UNROUTED})


def unrouted() -> tuple[Exchange, Queue]:
    """Return where messages go that no queue wants."""
    limits = {"x-message-ttl": UNROUTED_MS, "x-max-length-bytes": UNROUTED_BYTES}
    return Exchange(UNROUTED, "fanout"), Queue(UNROUTED, UNROUTED, "", {**_CLASSIC, **limits})


def queue_of(group: str, topic: str) -> Queue:
    """Describe a group's queue of a topic."""
    return Queue(f"{group}.{topic}", exchange_of(topic).name, topic)


def failure_queue(place: str, group: str, topic: str) -> tuple[Exchange, Queue]:
    """Name the queue for what a group could not handle; `place` is RETRY or DEAD_LETTER."""
    name = f"{group}.{topic}"
    return Exchange(place), Queue(f"{place}.{name}", place, name)


def needed_by(group: str, topic: str) -> tuple[Exchange | Queue, ...]:
    """List all that a group needs to consume a topic, in the order in which it can be made."""
    return (
        *unrouted(),
        exchange_of(topic),
        queue_of(group, topic),
        *failure_queue(RETRY, group, topic),
        *failure_queue(DEAD_LETTER, group, topic),
    )
