"""Panels: each has a title, a unit, and a query of the selected datasource."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.dashboards import DashboardFile, boards
from tarmac.gates.views.objects import dig
from tarmac.gates.views.scope import counted
from tarmac.report import Finding, Level

#: The longest uid that Grafana accepts, in characters.
UID = 40


def check(subject: Subject) -> Iterator[Finding]:
    """Yield dashboards that Grafana rejects or confuses, and incomplete panels."""
    found = boards(subject)
    for name in ("uid", "title"):
        said = Counter(dig(dashboard.data, name) for dashboard in found)
        for dashboard in found:
            value = dig(dashboard.data, name)
            if value and said[value] > 1:
                what = f"the {name} '{value}' is another dashboard's too: one replaces the other"
                yield Finding(dashboard.path, f"{what}; give it one of its own")
    for dashboard in found:
        if dashboard.data is None:
            yield Finding(
                dashboard.path, "is not a JSON object: Grafana cannot import it; correct it"
            )
        else:
            yield from _board(dashboard, dashboard.data)


def _board(board: DashboardFile, data: Mapping[str, Any]) -> Iterator[Finding]:
    uid = str(data.get("uid") or "")
    if not 0 < len(uid) <= UID:
        what = f"has the uid '{uid}', of {len(uid)} characters: links to it do not last"
        yield Finding(board.path, f"{what}; give it one of 1 to {UID}")
    if not data.get("title"):
        yield Finding(board.path, "has no title; give it one")
    variables = {
        f"${{{variable.get('name')}}}"
        for variable in dig(data, "templating", "list") or ()
        if variable.get("type") == "datasource"
    }
    ids = Counter(panel.get("id") for panel in data.get("panels") or ())
    for number, count in ids.items():
        if count > 1:
            what = f"has {count} panels with the id {number}: a link shows any of them"
            yield Finding(board.path, f"{what}; number them apart")
    for panel in board.panels:
        for what in _panel(panel, variables):
            yield Finding(board.path, f"panel '{panel.get('title') or panel.get('id')}' {what}")


def _panel(panel: Mapping[str, Any], variables: set[str]) -> Iterator[str]:
    if not panel.get("title"):
        yield "has no title; say what it shows"
    if panel.get("type") == "text":
        return
    if not dig(panel, "fieldConfig", "defaults", "unit"):
        yield "has no unit: 0.2 may be seconds or a share; set it"
    targets = panel.get("targets") or ()
    if not any(target.get("expr") for target in targets):
        yield "has no query; add one"
    for holder in (panel, *targets):
        source = holder.get("datasource")
        uid = source.get("uid") if isinstance(source, Mapping) else source
        if uid not in variables:
            known = ", ".join(sorted(variables)) or "no variable of the type datasource is there"
            yield f"uses the datasource '{uid}', which another Grafana lacks; write {known}"
            return


GATE = Gate(
    id="OBS020",
    title="Every panel has a title, a unit, a query and the selected datasource",
    phase="observability",
    source="grafana.com/docs: dashboard JSON model; two with one uid replace each other in turn",
    check=check,
    scope=counted("dashboards", boards),
    level=Level.VALID,
    targets=("cluster",),
    reads="the files of observability/dashboards. Whether a query's series exist is judged "
    "by OBS001, and by the tests with a real Prometheus.",
)
