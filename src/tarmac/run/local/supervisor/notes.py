"""Writes what a drill does among the events of the system's timeline, and that it has ended."""

from __future__ import annotations

from tarmac.run.local.state.state import StateFile
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.handlers import Handlers

#: What such events are of.
DRILL = "drill"


class Notes:
    """The events of one connection."""

    def __init__(self, state: StateFile) -> None:
        self._state = state
        self._is_open = False

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""
        handlers.on(ask.Note, self._note)

    async def close(self) -> None:
        """Write that it has ended."""
        if self._is_open:
            self._state.note(DRILL, "ended", "")

    async def _note(self, request: ask.Note) -> None:
        self._is_open = True
        self._state.note(DRILL, "under way", request.what)
