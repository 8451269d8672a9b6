"""One client's connection while its edge's requests are split between two versions of a service.

Part of the wires' process, while a drill tries a new version; split.py chooses the version of each
request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from tarmac.run.local.network.disturbance import Disturbance
from tarmac.run.local.network.http_heads import METHODS, HttpHeads
from tarmac.run.local.network.split import Split
from tarmac.run.local.network.wire import End

#: What the client of a request gets whose connection to an instance ended before its answer.
UNANSWERED = 503

AnyEnd = TypeVar("AnyEnd", bound=End)


class SplitConnection(Generic[AnyEnd]):
    """One client's connection: it has one to an instance of each version, as far as it needs them.

    Args:
        user: the client's end.
        connect: begins a connection to an instance of the new version, or to one of the others.
    """

    def __init__(self, split: Split, user: AnyEnd, connect: Callable[[bool], None]) -> None:
        self.split = split
        #: Whether the last request went to the new version.
        self.is_new = False
        self._user = user
        self._connect = connect
        self._heads = HttpHeads(self._count)
        self._ends: dict[bool, AnyEnd] = {}
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

    def connected(self, end: AnyEnd) -> bool:
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

    def lost(self, end: AnyEnd) -> bool:
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

    def _is_new(self, end: AnyEnd) -> bool:
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
