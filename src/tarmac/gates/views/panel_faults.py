"""What is wrong with a panel of a dashboard, rendered or written by hand."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from tarmac.gates.views.board_files import asks_prometheus, has_server
from tarmac.gates.views.dashboards import Panel
from tarmac.gates.views.promql import has_filled_parts, parses
from tarmac.gates.views.reading import Fields, fields, mappings

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
_ALIKE = 0.8


def panel_faults(panel: Panel) -> Iterator[str]:
    """Yield what is wrong with a panel, and what to do."""
    kind: Any = panel.data.get("type")
    if not kind and "libraryPanel" not in panel.data:
        yield "has no type, so nothing draws it; write one"
    elif kind not in _KINDS and (near := difflib.get_close_matches(str(kind), _KINDS, 1, _ALIKE)):
        yield f"has the type '{kind}', which is almost {near[0]}; write that"
    targets = mappings(panel.data.get("targets"))
    if kind in _KINDS and kind not in SILENT and has_server(panel) and not targets:
        yield "asks nothing: it has no targets; write a query"
    defaults = fields(panel.data, "fieldConfig", "defaults")
    least, most = defaults.get("min"), defaults.get("max")
    if isinstance(least, int | float) and isinstance(most, int | float) and least >= most:
        yield f"draws from {least} to {most}, which is nothing; correct the bounds"
    for target in targets:
        if asks_prometheus(panel, target):
            yield from _target(target, str(kind))


def _target(target: Fields, kind: str) -> Iterator[str]:
    expr, legend = str(target.get("expr") or ""), str(target.get("legendFormat") or "")
    if not expr:
        yield "has a target without a query; write `expr`"
    elif not has_filled_parts(expr) and not parses(expr):
        yield f"asks what is no PromQL ({expr.strip()[:60]}); correct it"
    elif expr.isidentifier() and any(sign in legend for sign in ("(", "[", '="')):
        yield f"has a query for its legend ({legend[:40]}); exchange it with `expr`"
    if target.get("range") is False and not target.get("instant"):
        yield "asks neither for an instant nor for a range; set one"
    elif target.get("range") is False and kind == "timeseries":
        yield "draws a time series of one instant; set `range`"
