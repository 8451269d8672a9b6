"""Dashboards as gates read them: files of JSON, their panels and what those ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, dig, items
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.json_files import json_object

FOLDER = "observability/dashboards/"


class Panel:
    """What draws something on a dashboard."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def title(self) -> str:
        """What it is called, or else its number."""
        return str(self.data.get("title") or self.data.get("id"))

    @property
    def has_title(self) -> bool:
        """Whether it is called anything."""
        return bool(self.data.get("title"))

    @property
    def is_text(self) -> bool:
        """Whether it is a text, which asks nothing."""
        return bool(self.data.get("type") == "text")

    @property
    def has_unit(self) -> bool:
        """Whether its numbers have a unit."""
        return bool(dig(self.data, "fieldConfig", "defaults", "unit"))

    @property
    def queries(self) -> tuple[str, ...]:
        """What it asks; empty texts where a target asks nothing."""
        return tuple(str(target.get("expr") or "") for target in items(self.data, "targets"))

    @property
    def sources(self) -> Iterator[Any]:
        """The uids of the datasources of it and its targets."""
        for holder in (self.data, *items(self.data, "targets")):
            source = holder.get("datasource")
            yield source.get("uid") if isinstance(source, Mapping) else source


class DashboardFile:
    """A dashboard's file; `data` is None where it is not a JSON object."""

    def __init__(self, path: str, data: Fields | None) -> None:
        self.path = path
        self.data = data

    @property
    def uid(self) -> Any:
        """By which links find it."""
        return dig(self.data, "uid")

    @property
    def title(self) -> Any:
        """What it is called."""
        return dig(self.data, "title")

    @property
    def sources(self) -> frozenset[str]:
        """Its variables that select a datasource: `${datasource}`."""
        return frozenset(
            f"${{{variable.get('name')}}}"
            for variable in items(self.data, "templating", "list")
            if variable.get("type") == "datasource"
        )

    @property
    def ids(self) -> tuple[Any, ...]:
        """The numbers of its panels, those in collapsed rows left out."""
        return tuple(panel.get("id") for panel in items(self.data, "panels"))

    @property
    def panels(self) -> Iterator[Panel]:
        """Yield what draws something, inside collapsed rows too."""
        for panel in items(self.data, "panels"):
            inner = items(panel, "panels") if panel.get("type") == "row" else (panel,)
            yield from map(Panel, inner)


def boards(subject: Subject) -> tuple[DashboardFile, ...]:
    """List the dashboards of a tree."""
    return tuple(
        DashboardFile(artifact.path, _read(artifact.content))
        for artifact in subject.artifacts
        if artifact.path.startswith(FOLDER) and artifact.path.endswith(".json")
    )


def _read(content: Fields | str) -> Fields | None:
    return json_object(content) if isinstance(content, str) else content
