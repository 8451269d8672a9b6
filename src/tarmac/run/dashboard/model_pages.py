"""The answers that need the model: objectives, and messages with their dead letters.

Loaded by `server` with the first page that asks: most systems run without one that does.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.base.foreign import files
from tarmac.model.loader import load
from tarmac.model.system import System
from tarmac.run.dashboard import catalogue, messages
from tarmac.run.local.state.paths import Home
from tarmac.run.telemetry import objectives, storage


class ModelPages:
    """The pages of one system by its file as it is now, loaded once for each state of it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._loaded: tuple[str, int, System] | None = None

    def objectives(self) -> dict[str, Any]:
        """Return each objective's share, budget and alerts."""
        now_ms = time.time_ns() // 1_000_000
        with contextlib.closing(storage.reader(self._home.telemetry)) as stored:
            found = objectives.observe(stored, self._system(), now_ms)
        return {"at_ms": now_ms, "objectives": [_objective(one) for one in found]}

    def messages(self) -> dict[str, Any]:
        """Return what waits, what flows, and the dead letters."""
        return messages.read(self._home, self._system())

    def change_dead_letters(self, ids: Sequence[str], *, drop: bool) -> int:
        """Retry dead letters, or delete them; return their number."""
        return messages.change(self._home, self._system(), ids, drop=drop)

    def _system(self) -> System:
        file = catalogue.file_of(self._home)
        try:
            changed_ns = file.stat().st_mtime_ns
        except OSError as error:
            raise TarmacError(f"{file}: {error.strerror}") from None
        if self._loaded is None or self._loaded[:2] != (str(file), changed_ns):
            self._loaded = (str(file), changed_ns, load(str(file), files.content))
        return self._loaded[2]


def _objective(observed: objectives.ObservedObjective) -> dict[str, Any]:
    live = observed.live
    return {
        **asdict(live),
        "good_share": live.good_share,
        "burns": live.burns,
        "since_ms": observed.since_ms,
    }
