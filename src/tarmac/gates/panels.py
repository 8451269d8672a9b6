"""Panels: each says what it shows, in which unit, and asks the datasource that its reader chose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.gates._boards import Read, boards
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig
from tarmac.report import Finding, Level

#: The most characters of a uid that Grafana takes.
UID = 40


def check(subject: Subject) -> Iterator[Finding]:
    """Yield dashboards that Grafana refuses or mixes up, and panels that say too little."""
    found = boards(subject)
    for name in ("uid", "title"):
        said = Counter(dig(each.data, name) for each in found)
        for each in found:
            value = dig(each.data, name)
            if value and said[value] > 1:
                what = f"the {name} '{value}' is another dashboard's too: one replaces the other"
                yield Finding(each.path, f"{what}; give it one of its own")
    for each in found:
        if each.data is None:
            yield Finding(each.path, "is no JSON object: Grafana cannot import it; correct it")
        else:
            yield from _board(each, each.data)


def _board(board: Read, data: Mapping[str, Any]) -> Iterator[Finding]:
    uid = str(data.get("uid") or "")
    if not 0 < len(uid) <= UID:
        what = f"has the uid '{uid}', of {len(uid)} characters: links to it do not last"
        yield Finding(board.path, f"{what}; give it one of 1 to {UID}")
    if not data.get("title"):
        yield Finding(board.path, "has no title; give it one")
    variables = {
        f"${{{each.get('name')}}}"
        for each in dig(data, "templating", "list") or ()
        if each.get("type") == "datasource"
    }
    ids = Counter(each.get("id") for each in data.get("panels") or ())
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
        yield "has no unit: nobody knows whether 0.2 is seconds or a share; set it"
    targets = panel.get("targets") or ()
    if not any(each.get("expr") for each in targets):
        yield "asks nothing; give it a query"
    for each in (panel, *targets):
        source = each.get("datasource")
        uid = source.get("uid") if isinstance(source, Mapping) else source
        if uid not in variables:
            known = ", ".join(sorted(variables)) or "no variable of the type datasource is there"
            yield f"asks the datasource '{uid}', which another Grafana lacks; write {known}"
            return


GATE = Gate(
    id="OBS020",
    title="Every panel has a title, a unit and a query, and asks the chosen datasource",
    phase="observability",
    source="grafana.com/docs: dashboard JSON model; two with one uid replace each other in turn",
    check=check,
    level=Level.VALID,
    targets=("cluster",),
    looks_at="the files of observability/dashboards. Whether a query's series are there is asked "
    "by others, and by the tests with a real Prometheus.",
)
