"""Dashboards as gates read them: files of JSON, their panels and what those ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.foreign.reading import Fields, dig, fields, items, mappings, places
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.monitoring.panels import Panel
from tarmac.check.gates.views.once import once

FOLDER = "observability/dashboards/"
#: What every dashboard has; one of a release before 5 has rows, and is not read.
_KEYS = {"schemaVersion", "templating"}
#: What keeps Jinja from filling in a dashboard that a role copies.
_RAW = re.compile(r"\{%[-+]? *(?:end)?raw *[-+]?%\}")
#: What Helm fills in by `tpl`; a legend has the name of a label there: `{{ pod }}`.
_CALL = re.compile(r"\{\{-? *(?:(?:include|template|if|with|range|tpl)\s|end *-?\}|[.$]\w)")


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
    def variables(self) -> list[Fields]:
        """What a reader selects on it."""
        return mappings(fields(self.data, "templating").get("list"))

    @property
    def given_names(self) -> set[str]:
        """The names that its texts may have: of variables, and of what an import asks for."""
        inputs = mappings((self.data or {}).get("__inputs"))
        return {str(one.get("name")) for one in (*self.variables, *inputs)}

    @property
    def named_sources(self) -> Iterator[Fields]:
        """The datasources that are named anywhere in it."""
        named: dict[str, dict[str, str]] = {}
        for path, text in places(self.data):
            if len(path) > 1 and path[-2] == "datasource" and path[-1] in ("type", "uid"):
                named.setdefault(str(path[:-1]), {})[str(path[-1])] = text
        yield from named.values()

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


@once
def board_files(files: Files) -> Iterator[DashboardFile]:
    """Yield the dashboards among the files of JSON; those in ConfigMaps are text."""
    for artifact in files.artifacts:
        if not artifact.path.endswith(".json"):
            continue
        content = artifact.content
        in_folder = "dashboards/" in f"/{artifact.path}"
        # A repository may have thousands of other files of JSON: texts, data, settings.
        if isinstance(content, str) and not in_folder and not any(one in content for one in _KEYS):
            continue
        data = _read(content)
        if data is None and in_folder and isinstance(content, str) and not _is_filled(content):
            yield DashboardFile(artifact.path, None)
        elif data is not None and "rows" not in data and _is_board(data):
            yield DashboardFile(artifact.path, data)


def _is_filled(text: str) -> bool:
    """Tell whether Jinja or Helm makes a dashboard of a text: it has a block, or calls of `tpl`."""
    return "{%" in text or _CALL.search(text) is not None


def _is_board(data: Fields) -> bool:
    has_panels = isinstance(data.get("panels"), list)
    return data.keys() >= _KEYS or (has_panels and bool(_KEYS & data.keys()))


def _read(content: Fields | str) -> Fields | None:
    return json_object(_RAW.sub("", content)) if isinstance(content, str) else content
