"""Dashboards show what they ask: variables that are there, queries that parse, panels that draw."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tarmac.base.errors import misspelt
from tarmac.base.foreign.reading import Fields, dig, fields, items, mappings
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.dashboards import DashboardFile, board_files
from tarmac.check.gates.views.monitoring.panels import Panel, asked_names
from tarmac.check.gates.views.monitoring.promql import has_filled_parts, parses
from tarmac.check.gates.views.monitoring.queries import recorded
from tarmac.check.gates.views.monitoring.recorded_names import unrecorded
from tarmac.check.gates.views.scope import counted_in_files

#: Panels that ask no server.
SILENT = frozenset((
    "text", "row", "dashlist", "alertlist", "news", "welcome", "annolist", "gettingstarted",
    "pluginlist", "traces", "nodeGraph", "canvas",
))  # fmt: skip
_KINDS = (
    "timeseries", "stat", "gauge", "bargauge", "table", "barchart", "piechart", "heatmap",
    "histogram", "state-timeline", "status-history", "logs", "geomap", "graph", "singlestat",
    *sorted(SILENT),
)  # fmt: skip
_VARIABLES = (
    "query", "datasource", "custom", "constant", "interval", "textbox", "adhoc", "groupby",
    "snapshot", "switch", "system",
)  # fmt: skip
_SOURCES = ("prometheus", "loki", "tempo", "elasticsearch", "cloudwatch", "influxdb", "postgres")
_ALIKE = 0.8
_PLUGIN = re.compile(r"[A-Za-z0-9][\w.-]*|\$.*|\{\{.*")


def check(files: Files) -> Iterator[Finding]:
    """Yield what is wrong in dashboards, and what their queries read that is not there."""
    names = set(recorded(files))
    for board in board_files(files):
        for what in faults(board):
            yield Finding(board.path, what)
        known = board.given_names
        for panel in board.panels:
            for query in panel.queries:
                for name in sorted(asked_names(query) - known):
                    what = (
                        f"panel '{panel.title}' reads ${name}, "
                        "which is not a variable of its dashboard"
                    )
                    yield Finding(board.path, f"{what}; add it to `templating`")
                for what in unrecorded(query, names):
                    yield Finding(board.path, f"panel '{panel.title}' {what}")


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
        lacking = [panel for panel in panels if panel.has_server and not has(panel)]
        if len(lacking) == 1 < len(panels) and not lacking[0].is_text:
            title = lacking[0].title
            yield f"panel '{title}' is the only one without a {what}; set it"


def _variables(board: DashboardFile) -> Iterator[str]:
    for number, variable in enumerate(board.variables):
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
        if variable.get("refresh", 0) not in (0, 1, 2):
            yield f"{which} has refresh {variable['refresh']}, which is never; write 1 or 2"


def _names(board: DashboardFile) -> Iterator[str]:
    known = board.given_names
    for source in board.named_sources:
        kind, uid = source.get("type", ""), source.get("uid", "")
        if missing := sorted(asked_names(uid) - known):
            what = f"reads the datasource ${missing[0]}, which is not a variable"
            yield f"{what}; {_like(missing[0], known)}"
        near = difflib.get_close_matches(kind, _SOURCES, 1, _ALIKE) if kind not in _SOURCES else []
        if "$" in kind or near:
            advice = f"did you mean {near[0]}?" if near else "replace it with its uid"
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


def panel_faults(panel: Panel) -> Iterator[str]:
    """Yield what is wrong with a panel, and what to do."""
    kind: Any = panel.data.get("type")
    if not kind and "libraryPanel" not in panel.data:
        yield "has no type, so nothing draws it; write one"
    elif kind not in _KINDS and (near := misspelt(str(kind), _KINDS)):
        yield f"has the type '{kind}', which is almost {near}; write that"
    elif kind and not _PLUGIN.fullmatch(str(kind)):
        yield f"has the type '{kind}', which no plugin has, so nothing draws it; correct it"
    targets = mappings(panel.data.get("targets"))
    if kind in _KINDS and kind not in SILENT and panel.has_server and not targets:
        yield "has no targets, so it queries nothing; write a query"
    defaults = fields(panel.data, "fieldConfig", "defaults")
    yield from _drawn(defaults)
    for target in targets:
        if panel.asks_prometheus(target):
            yield from _target(target, str(kind))


def _drawn(defaults: Fields) -> Iterator[str]:
    least, most = defaults.get("min"), defaults.get("max")
    if isinstance(least, int | float) and isinstance(most, int | float) and least >= most:
        yield f"draws from {least} to {most}, which is an empty range; correct the bounds"
    values = [step.get("value") for step in items(defaults, "thresholds", "steps")][1:]
    numbers = [value for value in values if isinstance(value, int | float)]
    if None in values or numbers != sorted(numbers):
        yield "has thresholds whose values do not ascend, so a colour is never drawn; sort them"
    if any("type" not in one for one in items(defaults, "mappings")):
        yield "has a value mapping without a type, which maps nothing; write one"


def _target(target: Fields, kind: str) -> Iterator[str]:
    expr, legend = str(target.get("expr") or ""), str(target.get("legendFormat") or "")
    if not expr:
        yield "has a target without a query; write `expr`"
    elif not has_filled_parts(expr) and not parses(expr):
        yield f"has a query that is not PromQL ({expr.strip()[:60]}); correct it"
    elif expr.isidentifier() and any(sign in legend for sign in ("(", "[", '="')):
        yield f"has a query as its legend ({legend[:40]}); swap it with `expr`"
    if target.get("range") is False and not target.get("instant"):
        yield "has a target that is neither `instant` nor `range`; set one"
    elif target.get("range") is False and kind == "timeseries":
        yield "draws a time series of one instant; set `range`"


GATE = Gate(
    id="OBS023",
    title="Dashboards define the variables that their panels read, and their queries parse",
    phase="observability",
    source="https://grafana.com/docs/grafana/latest/dashboards: a panel whose variable or "
    "recorded series is not there shows `No data`, which looks like a quiet system",
    check=check,
    #: What Grafana draws anyway, or may have from elsewhere.
    of_files=check,
    scope=counted_in_files("dashboards", board_files),
    #: OBS001 and OBS020 check more of a plan.
    targets=(),
    reads="files of JSON that are dashboards of Grafana 5 or newer; queries of panels that name "
    "Prometheus as their datasource. Judges files without a plan only: OBS001 and OBS020 "
    "check more of a plan.",
)
