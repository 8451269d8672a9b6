"""The `StoreReplica` of a running store: calls are requests of `replications`."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from tarmac.base.target import Standby
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.requests import Ask


class LocalReplica:
    """One store, asked over the connection of its target."""

    def __init__(self, store: str, url: str, requests: Ask) -> None:
        """Take the URL of the store's administrator."""
        found = urlsplit(url)
        #: Where those that follow it connect.
        self.address = (found.hostname or "", found.port or 0)
        self._store = store
        self._ask = requests

    def follow(self, address: tuple[str, int]) -> None:
        """Replace its data by a copy of another's there, and follow that; its users wait."""
        host, port = address
        self._ask(ask.Follow(self._store, host, port))

    def confirm_together(self) -> None:
        """Confirm a change only when its standby has it; returns once that is so."""
        self._ask(ask.ConfirmTogether(self._store))

    def standbys(self) -> Sequence[Standby]:
        """List what follows it now."""
        return self._ask(ask.Standbys(self._store))

    def takes_writes(self) -> bool:
        """Tell whether it is open to writes now."""
        return self._ask(ask.TakesWrites(self._store))

    def fence(self) -> None:
        """Block writes to it permanently, even after a restart; a running one is stopped first."""
        self._ask(ask.Fence(self._store))

    def promote(self, statements: Sequence[str] = ()) -> None:
        """Promote a standby, run statements on it, and let its users start."""
        self._ask(ask.Promote(self._store, tuple(statements)))
