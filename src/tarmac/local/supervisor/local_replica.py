"""The `StoreReplica` of a store that runs here: calls are requests of `replications`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from tarmac.target import Standby


class LocalReplica:
    """One store, asked over the connection of its target."""

    def __init__(self, url: str, ask: Callable[..., dict[str, Any]]) -> None:
        """Take the URL of the store's administrator."""
        found = urlsplit(url)
        #: Where those that follow it connect.
        self.address = (found.hostname or "", found.port or 0)
        self._ask = ask

    def follow(self, address: tuple[str, int]) -> None:
        """Replace its data by a copy of another's there, and follow that; its users wait."""
        host, port = address
        self._ask("follow", host=host, port=port)

    def confirm_together(self) -> None:
        """Confirm a change only when its standby has it; returns once that is so."""
        self._ask("confirm-together")

    def standbys(self) -> Sequence[Standby]:
        """List what follows it now."""
        return [Standby(*one) for one in self._ask("standbys")["standbys"]]

    def takes_writes(self) -> bool:
        """Tell whether it is open to writes now."""
        return bool(self._ask("takes-writes")["takes_writes"])

    def fence(self) -> None:
        """Have it take no writes any more, after any start; one that runs ends in order first."""
        self._ask("fence")

    def promote(self, statements: Sequence[str] = ()) -> None:
        """Have a standby take writes, say statements to it, and let its users start."""
        self._ask("promote", statements=list(statements))
