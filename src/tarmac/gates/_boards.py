"""Dashboards as gates read them: files of JSON, their panels and what those ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.gates._gate import Subject
from tarmac.gates._objects import dig

FOLDER = "observability/dashboards/"


@dataclass(frozen=True)
class Read:
    """A dashboard's file; `data` is None where it is no JSON object."""

    path: str
    data: Mapping[str, Any] | None

    @property
    def panels(self) -> Iterator[Mapping[str, Any]]:
        """Yield what draws something, inside collapsed rows too."""
        for panel in dig(self.data, "panels") or ():
            yield from (panel.get("panels") or ()) if panel.get("type") == "row" else (panel,)

    @property
    def queries(self) -> Iterator[str]:
        """Yield what its panels ask."""
        for panel in self.panels:
            yield from (str(each.get("expr") or "") for each in panel.get("targets") or ())


def boards(subject: Subject) -> tuple[Read, ...]:
    """List the dashboards of a tree."""
    return tuple(
        Read(each.path, _read(each.content))
        for each in subject.artifacts
        if each.path.startswith(FOLDER) and each.path.endswith(".json")
    )


def _read(content: Mapping[str, Any] | str) -> Mapping[str, Any] | None:
    if isinstance(content, Mapping):
        return content
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
