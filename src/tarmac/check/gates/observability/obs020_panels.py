"""Panels: each has a title, a unit, and a query of the selected datasource."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.dashboards import DashboardFile, boards
from tarmac.check.gates.views.monitoring.panels import Panel
from tarmac.check.gates.views.scope import counted

#: The longest uid that Grafana accepts, in characters.
UID = 40


def check(subject: Subject) -> Iterator[Finding]:
    """Yield dashboards that Grafana rejects or confuses, and incomplete panels."""
    found = boards(subject)
    uids, titles = [dashboard.uid for dashboard in found], [dashboard.title for dashboard in found]
    for name, values in (("uid", uids), ("title", titles)):
        said = Counter(values)
        for dashboard, value in zip(found, values, strict=True):
            if value and said[value] > 1:
                what = f"the {name} '{value}' is another dashboard's too: one replaces the other"
                yield Finding(dashboard.path, f"{what}; give it one of its own")
    for dashboard in found:
        if dashboard.data is None:
            yield Finding(
                dashboard.path, "is not a JSON object: Grafana cannot import it; correct it"
            )
        else:
            yield from _board(dashboard)


def _board(board: DashboardFile) -> Iterator[Finding]:
    uid = str(board.uid or "")
    if not 0 < len(uid) <= UID:
        what = f"has the uid '{uid}', of {len(uid)} characters: links to it do not last"
        yield Finding(board.path, f"{what}; give it one of 1 to {UID}")
    if not board.title:
        yield Finding(board.path, "has no title; give it one")
    for number, count in Counter(board.ids).items():
        if count > 1:
            what = f"has {count} panels with the id {number}: a link shows any of them"
            yield Finding(board.path, f"{what}; number them apart")
    for panel in board.panels:
        for what in _panel(panel, board.sources):
            yield Finding(board.path, f"panel '{panel.title}' {what}")


def _panel(panel: Panel, variables: frozenset[str]) -> Iterator[str]:
    if not panel.has_title:
        yield "has no title; say what it shows"
    if panel.is_text:
        return
    if not panel.has_unit:
        yield "has no unit: 0.2 may be seconds or a share; set it"
    if not any(panel.queries):
        yield "has no query; add one"
    for uid in panel.sources:
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
