"""What a dashboard shows, as data, and the JSON that Grafana reads.

A panel asks Prometheus; which one is the reader's to choose, by the variable `datasource`. Nothing
is random: a dashboard's uid and its panels' ids are the same at each render, so that links last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.links import uid

#: Of Grafana 12; older numbers are carried over, newer ones are not known to it.
SCHEMA = 41
#: The variable that every panel's datasource is.
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: Grafana's grid: so many columns, and the height of a panel in its rows.
COLUMNS, HEIGHT = 24, 8
GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True)
class Query:
    """One question to Prometheus, and how its answers are called."""

    expr: str
    legend: str = "__auto"


@dataclass(frozen=True)
class Panel:
    """One picture."""

    title: str
    #: As Grafana calls it: `s`, `reqps`, `percentunit`, `bytes`, `short`.
    unit: str
    queries: tuple[Query, ...]
    #: What it tells, and what to think of it.
    about: str
    kind: Literal["timeseries", "gauge", "stat"] = "timeseries"
    #: Where a colour begins, by value; drawn as lines over time.
    marks: Mapping[float, str] | None = None
    #: The axis begins at nothing, and ends here.
    most: float | None = None
    stacked: bool = False
    width: int = 12
    #: What a number is called: `0` -> `closed`.
    words: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Board:
    """One dashboard; its name is its file's."""

    name: str
    title: str
    about: str
    rows: tuple[Row, ...]


def grafana(plan: ClusterPlan, board: Board) -> str:
    """Write a dashboard as the JSON that Grafana imports."""
    observability = plan.settings.observability
    runbooks = observability.runbooks if observability else ""
    written = {
        "uid": uid(plan, board.name),
        "title": board.title,
        "description": board.about,
        "tags": [plan.system, plan.environment, "tarmac"],
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA,
        "version": 1,
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "refresh": "30s",
        "links": [
            *_links(plan),
            *([_link("Runbooks", url=runbooks, targetBlank=True)] if runbooks else []),
        ],
        "templating": {"list": [_source()]},
        "annotations": {"list": [_alerts(plan)]},
        "panels": _panels(board),
    }
    return json.dumps(written, indent=2) + "\n"


def _links(plan: ClusterPlan) -> list[dict[str, Any]]:
    beside = {"type": "dashboards", "tags": [plan.system, plan.environment], "asDropdown": True}
    return [
        _link(plan.system, includeVars=True, keepTime=True, **beside),
        _link("Alerts", url="/alerting/list", targetBlank=True),
    ]


def _link(title: str, **more: Any) -> dict[str, Any]:
    """Write a link whole: its type has no optional parts."""
    plain = dict.fromkeys(("asDropdown", "includeVars", "keepTime", "targetBlank"), False)
    base = {"type": "link", "title": title, "icon": "", "tooltip": "", "tags": [], **plain}
    return {**base, **more}


def _source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "type": "datasource",
        "label": "Prometheus",
        "query": "prometheus",
        "hide": 0,
        "refresh": 1,
        "includeAll": False,
        "multi": False,
    }


def _alerts(plan: ClusterPlan) -> dict[str, Any]:
    """Mark on every panel when an alert fired: most questions begin with that."""
    names = "|".join(workload.name for workload in plan.workloads)
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": RED,
        "expr": f'ALERTS{{alertstate="firing",service=~"{names}"}}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{service}}",
    }


def _panels(board: Board) -> list[dict[str, Any]]:
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
