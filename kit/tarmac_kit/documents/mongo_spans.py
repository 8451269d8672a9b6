"""Spans of a MongoDB's commands, by pymongo's own notice of each; asked for by the chassis.

Only of what a request, a message or a job asked. A span has the command's name and its collection,
never a document or a filter.
"""

from __future__ import annotations

from typing import Any

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from tarmac_kit import trace

#: What the driver asks by itself.
_OWN = frozenset({"hello", "isMaster", "ping", "saslStart", "saslContinue", "endSessions"})


class CommandSpans(CommandListener):
    """Makes a span of each command, in the context that asked for it."""

    def __init__(self) -> None:
        #: By request: the name of the command's collection, which only its start tells.
        self._collections: dict[int, str] = {}

    def started(self, event: CommandStartedEvent) -> None:
        """Remember what a command is about."""
        if event.command_name not in _OWN and trace.is_sent():
            about: Any = event.command.get(event.command_name)
            self._collections[event.request_id] = about if isinstance(about, str) else ""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Send its span."""
        self._record(event)

    def failed(self, event: CommandFailedEvent) -> None:
        """Send its span as a failure, by the server's code."""
        self._record(event, error=str(event.failure.get("codeName") or "failed"))

    def _record(
        self, event: CommandSucceededEvent | CommandFailedEvent, *, error: str = ""
    ) -> None:
        collection = self._collections.pop(event.request_id, None)
        if collection is None:
            return
        said = {
            "db.system.name": "mongodb",
            "db.namespace": event.database_name,
            "db.operation.name": event.command_name,
            "db.collection.name": collection,
        }
        name = f"{event.command_name} {collection}".rstrip()
        trace.record(name, event.duration_micros / 1e6, said, error=error)
