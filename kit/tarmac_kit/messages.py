"""What travels over a broker, and the Protocol that each broker's adapter fulfils.

Used by the relay (publishes), the chassis (consumes) and services (handlers). It knows no broker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Message:
    """One event. `id` stays the same over redeliveries; `key` is the aggregate's id."""

    id: str
    topic: str
    key: str
    payload: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    #: 1 on the first delivery.
    attempt: int = 1


Handler = Callable[[Message], Awaitable[None]]


class PoisonMessage(Exception):
    """This message can never be handled; it is dead-lettered at once.

    In the database of the inbox where there is one, else on the broker's `parked.<group>.<topic>`.
    """


class Bus(Protocol):
    """A broker's adapter."""

    @property
    def connected(self) -> bool:
        """Return whether the broker can be reached now."""
        ...

    async def ping(self) -> None:
        """Return once the broker has answered; raise when it does not."""
        ...

    async def open(self) -> None:
        """Begin to connect and stay connected; returns at once, also when the broker is away."""
        ...

    async def close(self) -> None:
        """Stop the consumers, let handlers in flight finish, disconnect."""
        ...

    async def publish(self, message: Message) -> None:
        """Return when the broker has stored the message durably; raise otherwise."""
        ...

    async def consume(self, topics: tuple[str, ...], group: str, handler: Handler) -> None:
        """Hand each message to one member of `group` until `close`; survives the broker's end.

        A handler that returns acknowledges; PoisonMessage dead-letters the message; any other
        exception has it redelivered, with growing delay and without limit.
        """
        ...
