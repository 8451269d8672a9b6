"""Dashboards of Grafana in files of any origin: their panels, variables and what they ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, fields, mappings, places
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.dashboards import DashboardFile, Panel
from tarmac.check.gates.views.json_files import json_object

#: What every dashboard has; one of a release before 5 has rows, and is not read.
_KEYS = {"schemaVersion", "templating"}
_VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}|\[\[(\w+)[^\]]*\]\]|\$([A-Za-z_]\w*)")
#: What Grafana fills in itself: `$__interval`, and the timeFilter of older panels.
_OWN = re.compile(r"__\w+|timeFilter|interval|DS_\w+")
#: Datasources that are not server: other panels, several, Grafana's own.
_NO_SERVER = re.compile(r"-- .* --|grafana|__expr__|-100")


def board_files(files: Files) -> Iterator[DashboardFile]:
    """Yield the dashboards among the files of JSON; those in ConfigMaps are text."""
    for artifact in files.artifacts:
        if not artifact.path.endswith(".json"):
            continue
        content = artifact.content
        data = json_object(content) if isinstance(content, str) else content
        in_folder = "dashboards/" in f"/{artifact.path}"
        if data is None and in_folder and isinstance(content, str):
            yield DashboardFile(artifact.path, None)
        elif data is not None and "rows" not in data and _is_board(data):
            yield DashboardFile(artifact.path, data)


def _is_board(data: Fields) -> bool:
    has_panels = isinstance(data.get("panels"), list)
    return data.keys() >= _KEYS or (has_panels and bool(_KEYS & data.keys()))


def variables(board: DashboardFile) -> list[Fields]:
    """List what a reader selects on a dashboard."""
    return mappings(fields(board.data, "templating").get("list"))


def given_names(board: DashboardFile) -> set[str]:
    """Find the names that its texts may have: of variables, and of what an import asks for."""
    inputs = mappings((board.data or {}).get("__inputs"))
    return {str(one.get("name")) for one in (*variables(board), *inputs)}


def asked_names(text: str) -> set[str]:
    """Find the variables that a text reads, without Grafana's own."""
    found = (next(filter(None, match)) for match in _VARIABLE.findall(text))
    return {name for name in found if not _OWN.fullmatch(name)}


def sources(value: object) -> Iterator[Fields]:
    """Yield the datasources that are named anywhere in a part of a dashboard."""
    named: dict[str, dict[str, str]] = {}
    for path, text in places(value):
        if len(path) > 1 and path[-2] == "datasource" and path[-1] in ("type", "uid"):
            named.setdefault(str(path[:-1]), {})[str(path[-1])] = text
    yield from named.values()


def asks_prometheus(panel: Panel, target: Fields) -> bool:
    """Tell whether a target of a panel is asked of Prometheus, as far as it says so."""
    holders = (fields(target, "datasource"), fields(panel.data, "datasource"))
    kinds = [str(holder["type"]) for holder in holders if holder.get("type")]
    return bool(kinds) and kinds[0] == "prometheus"


def has_server(panel: Panel) -> bool:
    """Tell whether a panel asks a server, not other panels or Grafana itself."""
    named = [str(source) for source in panel.sources if source]
    return not any(_NO_SERVER.fullmatch(source) for source in named)
