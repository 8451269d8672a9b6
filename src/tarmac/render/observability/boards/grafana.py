"""A dashboard as the JSON that Grafana reads.

A panel asks Prometheus; which one is the reader's to choose, by the variable `datasource`. Nothing
is random: a dashboard's uid and its panels' ids are the same at each render, so that links last.
"""

from __future__ import annotations

import json
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.links import uid
from tarmac.render.observability.boards.grafana_panels import SOURCE, panels
from tarmac.render.observability.boards.panels import RED, Board

#: Of Grafana 12; older numbers are carried over, newer ones are not known to it.
SCHEMA = 41


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
        "panels": panels(board),
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
