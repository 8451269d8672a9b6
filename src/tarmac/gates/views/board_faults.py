"""What is wrong in a dashboard of Grafana, rendered or written by hand."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from tarmac.gates.views.board_files import (
    asked_names,
    given_names,
    has_server,
    sources,
    variables,
)
from tarmac.gates.views.dashboards import DashboardFile, Panel
from tarmac.gates.views.panel_faults import SILENT, panel_faults
from tarmac.gates.views.reading import dig, items

_VARIABLES = (
    "query", "datasource", "custom", "constant", "interval", "textbox", "adhoc", "groupby",
    "snapshot", "switch", "system",
)  # fmt: skip
_SOURCES = ("prometheus", "loki", "tempo", "elasticsearch", "cloudwatch", "influxdb", "postgres")
_ALIKE = 0.8


def faults(board: DashboardFile) -> Iterator[str]:
    """Yield what is wrong with a dashboard, and what to do."""
    if board.data is None:
        yield "is not a JSON object: Grafana cannot import it; correct it"
        return
    panels = list(board.panels)
    if not panels:
        yield "has no panels, so it shows nothing; add one"
    if not board.uid:
        yield "has no uid: each import makes another, and links to it break; write one"
    yield from _variables(board)
    yield from _names(board)
    yield from _ids(board)
    for panel in panels:
        for what in panel_faults(panel):
            yield f"panel '{panel.title}' {what}"
    for what, has in (("unit", _has_unit), ("datasource", _has_source)):
        lacking = [panel for panel in panels if has_server(panel) and not has(panel)]
        if len(lacking) == 1 < len(panels) and not lacking[0].is_text:
            title = lacking[0].title
            yield f"panel '{title}' is the only one without a {what}; set it"


def _variables(board: DashboardFile) -> Iterator[str]:
    for number, variable in enumerate(variables(board)):
        name, kind = variable.get("name"), variable.get("type")
        which = f"variable '{name or number}'"
        if not name:
            yield f"{which} has no name, so no panel can read it; write one"
        if not kind:
            yield f"{which} has no type, so Grafana shows no choice; write one"
        elif kind not in _VARIABLES:
            yield f"{which} has the type '{kind}', which Grafana does not know; write e.g. query"
        elif kind in ("query", "datasource") and not variable.get("query"):
            yield f"{which} has no query, so it has no values; write one"


def _names(board: DashboardFile) -> Iterator[str]:
    known = given_names(board)
    for source in sources(board.data):
        kind, uid = source.get("type", ""), source.get("uid", "")
        if missing := sorted(asked_names(uid) - known):
            what = f"reads the datasource ${missing[0]}, which no variable is"
            yield f"{what}; {_like(missing[0], known)}"
        near = difflib.get_close_matches(kind, _SOURCES, 1, _ALIKE) if kind not in _SOURCES else []
        if "$" in kind or near:
            advice = f"did you mean {near[0]}?" if near else "exchange it with its uid"
            yield f"has a datasource of the type '{kind}'; {advice}"


def _ids(board: DashboardFile) -> Iterator[str]:
    numbers = [number for number in board.ids if number is not None]
    for number, count in Counter(map(str, numbers)).items():
        if count > 1:
            yield f"has {count} panels with the id {number}: a link shows any of them; number them"
    if len(numbers) == len(board.ids) - 1 > 0:
        yield "has a panel without an id, where the others have one; number it"
    if any(isinstance(number, int) and number < 1 for number in numbers):
        yield "has a panel whose id is below 1, which no link can name; number it"


def _has_unit(panel: Panel) -> bool:
    return panel.has_unit or panel.data.get("type") in SILENT


def _has_source(panel: Panel) -> bool:
    return panel.data.get("type") in SILENT or any(
        dig(one, "datasource", "uid") or isinstance(one.get("datasource"), str)
        for one in (panel.data, *items(panel.data, "targets"))
    )


def _like(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1, 0.6)
    return f"did you mean ${near[0]}?" if near else "add it to `templating`"
