"""Panels as Grafana reads them: where each is, what it asks, and how it shows the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.render.observability.boards.panels import GREEN, Board, Panel

#: Grafana's grid: so many columns, and the height of a panel in its rows.
COLUMNS, HEIGHT = 24, 8
#: The variable that every panel's datasource is.
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: How each kind of panel shows its numbers.
OPTIONS: Mapping[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "gauge": {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}},
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "values": False},
        "colorMode": "value",
        "graphMode": "none",
    },
}


def panels(board: Board) -> list[dict[str, Any]]:
    """Lay a dashboard's panels out, row by row."""
    found: list[dict[str, Any]] = []
    x = y = 0
    for row in board.rows:
        if len(board.rows) > 1:
            y += HEIGHT if x else 0
            at = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
            heading = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
            found.append({"id": len(found) + 1, **heading, "gridPos": at})
            x, y = 0, y + 1
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + HEIGHT
            at = {"h": HEIGHT, "w": panel.width, "x": x, "y": y}
            found.append({"id": len(found) + 1, **_panel(panel), "gridPos": at})
            x += panel.width
    return found


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
                "instant": panel.kind != "timeseries",
                "range": panel.kind == "timeseries",
            }
            for number, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": OPTIONS[panel.kind],
    }


def _field(panel: Panel) -> dict[str, Any]:
    marks = panel.marks or {}
    bounds = sorted(marks.items())
    # The first one is the ground that the others stand on, and has no value.
    ground = bounds.pop(0)[1] if bounds and bounds[0][0] <= 0 else GREEN
    steps: list[dict[str, Any]] = [{"color": ground, "value": None}]
    steps += [{"color": colour, "value": value} for value, colour in bounds]
    lines = panel.kind == "timeseries"
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if panel.stacked else 5,
        "showPoints": "never",
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if marks else "off"},
    }
    words = {name: {"text": word} for name, word in (panel.words or {}).items()}
    return {
        "unit": panel.unit,
        "min": 0,
        **({"max": panel.most} if panel.most is not None else {}),
        "color": {"mode": "palette-classic" if lines else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [{"type": "value", "options": words}] if words else [],
        **({"custom": custom} if lines else {}),
    }
