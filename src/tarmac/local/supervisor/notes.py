"""Writes what a drill does among the events of the system's timeline, and that it has ended.

{"op": "note", "what": "latency on orders -> db"}
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from tarmac.local.state.state import StateFile

#: What such events are of.
DRILL = "drill"


class Notes:
    """The events of one connection."""

    def __init__(self, state: StateFile) -> None:
        self._state = state
        self._is_open = False
        self.ops: dict[str, Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]] = {
            "note": self._note
        }

    async def close(self) -> None:
        """Write that it has ended."""
        if self._is_open:
            self._state.note(DRILL, "ended", "")

    async def _note(self, request: dict[str, Any]) -> dict[str, Any]:
        self._is_open = True
        self._state.note(DRILL, "under way", request["what"])
        return {}
