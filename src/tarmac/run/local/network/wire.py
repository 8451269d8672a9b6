"""One edge of a system as the wires' process has it: its instances and what went over it.

What a wire and a drill's faults need of the two ends of a connection is `End`; endpoint.py
implements it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from tarmac.run.local.network.disturbance import Disturbance, Flow
    from tarmac.run.local.network.http_faults import HttpFault
    from tarmac.run.local.network.inspector import Requests
    from tarmac.run.local.network.split import Split
    from tarmac.run.local.network.tls import TlsEnd


@dataclass
class Target:
    """One instance that a wire may connect to."""

    #: Empty: no instance of the wire's target, but where a fault has it lead.
    name: str
    port: int
    ready: bool
    open: int = 0


class End(Protocol):
    """One of the two ends of a connection that goes over a wire."""

    #: The end that gets what this one gets.
    other: Self | None
    #: What came while the wire was disturbed.
    flow: Flow | None
    #: What a fault does to the requests of both directions.
    http: HttpFault | None
    #: A fault resets the connection once it is used.
    doomed: bool

    @property
    def wire(self) -> Wire:
        """The edge that it belongs to."""

    @property
    def target(self) -> Target | None:
        """The instance that this end connects to; None: it is the client's end."""

    @property
    def is_closing(self) -> bool:
        """Whether it ends, or has ended."""

    @property
    def disturbance(self) -> Disturbance | None:
        """What is done to its traffic now."""

    def disturb(self, disturbance: Disturbance | None, *, opened: bool = False) -> None:
        """Let a fault have its way with what comes from now on; None: no more."""

    def begin_split(self, split: Split) -> None:
        """Choose a version for each request of a client from now on."""

    def answer(self, data: bytes, *, last: bool) -> None:
        """Answer the client in the place of an instance."""

    def pause(self, reason: str, *, on: bool) -> None:
        """Read nothing while there is any reason not to."""

    def reset(self) -> None:
        """Reset both ends."""

    def cut(self) -> None:
        """End it at once, with a reset."""


@dataclass
class Wire:
    """One edge: its targets, its open connections and what went over it."""

    id: str
    targets: list[Target] = field(default_factory=list)
    servers: list[asyncio.Server] = field(default_factory=list)
    ends: set[End] = field(default_factory=set)
    connections: int = 0
    errors: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    first_at: float | None = None
    last_at: float | None = None
    #: Set while requests are counted.
    requests: Requests | None = None
    #: Set while a fault disturbs it; what the last one did stays until the next.
    disturbance: Disturbance | None = None
    effect: dict[str, float] = field(default_factory=dict)
    #: Set once a new version of its target is tried.
    split: Split | None = None
    #: Set where one of its two ends speaks TLS.
    tls: TlsEnd | None = None

    def disturb(self, disturbance: Disturbance | None) -> None:
        """Disturb what it carries from now on; None: no more."""
        previous, self.disturbance = self.disturbance, disturbance
        if previous is not None:
            self.effect = previous.effect.counts()
            previous.over.set()
        for end in list(self.ends):
            end.disturb(disturbance)

    def counts(self) -> dict[str, Any]:
        """Return what went over it so far."""
        if self.disturbance is not None:
            self.effect = self.disturbance.effect.counts()
        return {
            "connections": self.connections,
            "open": sum(end.target is not None for end in self.ends),
            "errors": self.errors,
            "bytes_sent": self.bytes_sent,
            "bytes_received": self.bytes_received,
            "first_at": self.first_at,
            "last_at": self.last_at,
            **({"effect": self.effect} if self.effect else {}),
            **({"split": self.split.counts()} if self.split is not None else {}),
            **(self.requests.counts() if self.requests is not None else {}),
            **(self.tls.counts() if self.tls is not None else {}),
        }

    def choices(self, *, is_new: bool) -> Iterator[Target]:
        """Yield the targets in the order in which they are to be tried.

        Args:
            is_new: those of a new version that is tried, or the others.
        """
        if self.disturbance is not None and (port := self.disturbance.rule.leads_to) is not None:
            self.disturbance.effect.misdirected += 1
            if port:
                yield Target(name="", port=port, ready=True)
            return
        # The sort is stable and the list turns by one each time: equals take turns.
        if self.targets:
            self.targets.append(self.targets.pop(0))
        new = self.split.names if self.split is not None else frozenset()
        targets = [target for target in self.targets if (target.name in new) == is_new]
        yield from sorted(targets, key=lambda target: (not target.ready, target.open))
