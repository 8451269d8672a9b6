"""Writes marks into a store as long as it takes them: how much of what was written is lost."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import NamedTuple

from tarmac.base.errors import TarmacError
from tarmac.base.target import StoreRecovery
from tarmac.catalog.faults.repeating import repeating

#: A mark is written so often: what is said of a loss is as exact as that.
EVERY_S = 0.1


class Loss(NamedTuple):
    """What of the marks is not back."""

    lost: int
    #: That were confirmed before the data was lost.
    confirmed: int
    #: From the last mark before the first one that is lost, to the last one that was confirmed.
    seconds: float


class MarkWriter:
    """Writes marks; each that is confirmed has a time."""

    def __init__(self, store: StoreRecovery, after: int = 0) -> None:
        """Take the store, and the number after which those of its marks begin."""
        self._store = store
        self._last = after
        #: When each mark was confirmed, monotonic.
        self._confirmed: dict[int, float] = {}
        #: When each was begun. One that was not confirmed may stand there all the same.
        self._tried: dict[int, float] = {}
        #: When others were refused, and why.
        self._refused: list[tuple[float, str]] = []

    def writing(self) -> AbstractContextManager[None]:
        """Write them in the background, as long as a block lasts."""
        return repeating(self._write, EVERY_S)

    def confirmed_after(self, began: float) -> float | None:
        """Return when the first mark was confirmed after some time; None: none was yet."""
        return next((at for at in list(self._confirmed.values()) if at > began), None)

    def confirmed_before(self, ended: float) -> float | None:
        """Return when the last mark was confirmed before some time; None: none was."""
        return max((at for at in list(self._confirmed.values()) if at <= ended), default=None)

    def tried_after(self, began: float) -> set[int]:
        """List the marks that were begun after some time, whatever came of them."""
        return {number for number, at in list(self._tried.items()) if at > began}

    def refused_after(self, began: float) -> list[str]:
        """List why those were refused that were after some time."""
        return [why for at, why in list(self._refused) if at > began]

    def loss(self, lost_at: float, back: Collection[int]) -> Loss:
        """Compare what was confirmed before the data was lost with what is back."""
        before = {number: at for number, at in list(self._confirmed.items()) if at <= lost_at}
        lost = [number for number in before if number not in back]
        if not lost:
            return Loss(0, len(before), 0.0)
        kept = [at for number, at in before.items() if number < lost[0]]
        first = max(kept, default=min(before.values()))
        return Loss(len(lost), len(before), max(before.values()) - first)

    def _write(self) -> None:
        self._last += 1
        self._tried[self._last] = time.monotonic()
        try:
            self._store.mark(self._last)
        except TarmacError as error:
            self._refused.append((time.monotonic(), str(error)))
        else:
            self._confirmed[self._last] = time.monotonic()
