"""Splits an edge's requests between the instances of a service and those of its new version.

Part of the wires' process, while a drill tries a new version. Each request of HTTP/1 is sent by
itself, as a mesh does it, whatever connection it came by; what is not HTTP/1 stays where it is.
The shares are kept exactly: of ten requests at 10 percent one goes to the new version, not one in
the long run.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tarmac.base.target import EdgeRule
from tarmac.run.local.network.disturbance import Disturbance
from tarmac.run.local.network.inspector import Requests

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

    def change(self, names: Collection[str], share: float, rule: EdgeRule | None) -> None:
        """Split requests that begin from now on in another way."""
        self.names, self.share = frozenset(names), share
        if rule is None:
            self.defect = None
        elif self.defect is None or self.defect.rule != rule:
            self.defect = Disturbance(rule)

    def to_new(self) -> bool:
        """Decide whether the next request goes to the new version."""
        self._owed += self.share
        if self._owed < 1 - ROUNDING:
            return False
        self._owed -= 1
        return True

    def counts(self) -> dict[str, Any]:
        """Return what came of it so far."""
        effect = self.defect.effect.counts() if self.defect is not None else {}
        return {"stable": self.stable.counts(), "new": {**self.new.counts(), "effect": effect}}
