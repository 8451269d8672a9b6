"""The answers that need the model: objectives, and messages with their dead letters.

Loaded by `server` with the first page that asks: most systems run without one that does.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.model.system import System
from tarmac.project.reading import load
from tarmac.run.dashboard import catalogue, messages
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.telemetry import objectives, storage


class ModelPages:
    """The pages of one system by its file as it is now, loaded once for each state of it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._loaded: tuple[dict[str, int], Mapping[str, str], System] | None = None

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
        sources = client.sources_of(self._home)
        read = self._loaded[2].files if self._loaded is not None else ()
        state = (_changed_ns({str(file), *read}), sources)
        if self._loaded is None or self._loaded[:2] != state:
            system = load(str(file), sources=sources)
            self._loaded = (_changed_ns(system.files), sources, system)
        return self._loaded[2]


def _changed_ns(files: Iterable[str]) -> dict[str, int]:
    """Return when each file was changed. Raises TarmacError where one is not there."""
    try:
        return {file: Path(file).stat().st_mtime_ns for file in files}
    except OSError as error:
        raise TarmacError(f"{error.filename}: {error.strerror}") from None


def _objective(observed: objectives.ObservedObjective) -> dict[str, Any]:
    live = observed.live
    return {
        **asdict(live),
        "good_share": live.good_share,
        "burns": live.burns,
        "since_ms": observed.since_ms,
    }
