"""Dashboards as gates read them: files of JSON, their panels and what those ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.foreign.data import from_json
from tarmac.gates.gate import Subject
from tarmac.gates.views.objects import dig

FOLDER = "observability/dashboards/"


@dataclass(frozen=True)
class DashboardFile:
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
            yield from (str(target.get("expr") or "") for target in panel.get("targets") or ())


def boards(subject: Subject) -> tuple[DashboardFile, ...]:
    """List the dashboards of a tree."""
    return tuple(
        DashboardFile(artifact.path, _read(artifact.content))
        for artifact in subject.artifacts
        if artifact.path.startswith(FOLDER) and artifact.path.endswith(".json")
    )


def _read(content: Mapping[str, Any] | str) -> Mapping[str, Any] | None:
    if isinstance(content, Mapping):
        return content
    try:
        found = from_json(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
