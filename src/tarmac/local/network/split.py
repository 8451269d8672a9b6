"""Splits an edge's requests between the instances of a service and those of its new version.

Part of the wires' process, while a drill tries a new version. Each request of HTTP/1 is sent by
itself, as a mesh does it, whatever connection it came by; what is not HTTP/1 stays where it is.
The shares are kept exactly: of ten requests at 10 percent one goes to the new version, not one in
the long run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from tarmac.local.network.disturbance import Disturbance, Rule
from tarmac.local.network.http_heads import METHODS, HttpHeads
from tarmac.local.network.inspector import Requests

if TYPE_CHECKING:
    from tarmac.local.network.endpoint import Endpoint

#: What the client of a request gets whose connection to an instance ended before its answer.
UNANSWERED = 503
#: A tenth that was added ten times is less than one by this.
ROUNDING = 1e-9


class Version:
    """What one of the two versions was sent, and what it answered."""

    def __init__(self) -> None:
        self.sent = 0
        self.answered = Requests()

    def counts(self) -> dict[str, Any]:
        """Say it as JSON can hold it."""
        return {"sent": self.sent, **self.answered.counts()}


class Split:
    """How one wire's requests are split now, and what came of them."""

    def __init__(self) -> None:
        #: Instances of the new version.
        self.names: frozenset[str] = frozenset()
        #: Of the requests, to the new version; 0 to 1.
        self.share = 0.0
        #: What is done to the traffic of the new version alone.
        self.defect: Disturbance | None = None
        self.stable, self.new = Version(), Version()
        self._owed = 0.0

    def change(self, names: Collection[str], share: float, rule: dict[str, Any] | None) -> None:
        """Split requests that begin from now on in another way."""
        self.names, self.share = frozenset(names), share
        if rule is None:
            self.defect = None
        elif self.defect is None or self.defect.rule != Rule(**rule):
            self.defect = Disturbance(Rule(**rule))

    def to_new(self) -> bool:
        """Decide whether the next request goes to the new version."""
        self._owed += self.share
        if self._owed < 1 - ROUNDING:
            return False
        self._owed -= 1
        return True

    def counts(self) -> dict[str, Any]:
        """Say what came of it so far."""
        effect = self.defect.effect.counts() if self.defect is not None else {}
        return {"stable": self.stable.counts(), "new": {**self.new.counts(), "effect": effect}}


class SplitConnection:
    """One client's connection: it has one to an instance of each version, as far as it needs them.

    Args:
        user: the client's end.
        connect: begins a connection to an instance of the new version, or to one of the others.
    """

    def __init__(self, split: Split, user: Endpoint, connect: Callable[[bool], None]) -> None:
        self.split = split
        #: Whether the last request went to the new version.
        self.is_new = False
        self._user = user
        self._connect = connect
        self._heads = HttpHeads(self._count)
        self._ends: dict[bool, Endpoint] = {}
        self._connecting: set[bool] = set()
        #: The client lost the instance that it waited for.
        self._is_over = False
        if user.other is not None:
            self._ends[False] = user.other

    @property
    def defect(self) -> Disturbance | None:
        """What is done to the traffic now."""
        return self.split.defect if self.is_new else None

    def begin(self) -> None:
        """Connect to an instance before the first request: a server may speak first."""
        self._want(is_new=False)

    def sent(self, data: bytes) -> None:
        """Choose a version where a request begins; the client's end sends to it from then on."""
        if self._heads.is_between and data.startswith(METHODS):
            self.is_new = self.split.to_new()
            (self.split.new if self.is_new else self.split.stable).sent += 1
            self._want(is_new=self.is_new)
        self._heads.sent(data)

    def received(self, data: bytes) -> None:
        """Read what is answered."""
        self._heads.received(data)

    def connected(self, end: Endpoint) -> bool:
        """Take a connection to an instance; false if it is not the one that is used now."""
        is_new = self._is_new(end)
        self._connecting.discard(is_new)
        self._ends[is_new] = end
        if self.split.defect is not None:  # answers of either version pass the same way
            end.disturb(self.split.defect, opened=True)
        return is_new == self.is_new

    def failed(self, *, is_new: bool) -> bool:
        """Take note that no instance could be connected to; true if the client waits for one."""
        self._connecting.discard(is_new)
        if is_new == self.is_new:
            self._unanswered()
        return is_new == self.is_new

    def lost(self, end: Endpoint) -> bool:
        """Take note that a connection to an instance has ended; true if the client waits for it."""
        is_new = self._is_new(end)
        if self._ends.get(is_new) is end:
            del self._ends[is_new]
        if self._user.other is not end or self._is_over:
            return self._is_over
        if self._heads.is_between:  # an instance that ends an idle connection: the next has another
            self._user.other = None
            return False
        self._is_over = True
        self._heads.closed()
        self._unanswered()
        return True

    def close(self) -> None:
        """End the connections that are not used now."""
        for end in list(self._ends.values()):
            if end is not self._user.other:
                end.cut()
        self._ends.clear()

    def _is_new(self, end: Endpoint) -> bool:
        return end.target is not None and end.target.name in self.split.names

    def _want(self, *, is_new: bool) -> None:
        self._user.other = self._ends.get(is_new)
        if self._user.other is None and is_new not in self._connecting:
            self._connecting.add(is_new)
            self._connect(is_new)

    def _unanswered(self) -> None:
        while self._heads.asked:
            self._heads.answered(UNANSWERED)

    def _count(self, kind: str, status: int, took_s: float) -> None:
        (self.split.new if self.is_new else self.split.stable).answered.add(kind, status, took_s)
