"""Every selector finds pods: of Services, budgets, policies and their peers, and of spreading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.leaves import is_typo
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.parts import is_part
from tarmac.check.gates.views.objects.pods import Pods, pods
from tarmac.check.gates.views.objects.scaling import Controller
from tarmac.check.gates.views.objects.selections import (
    Selection,
    chosen,
    selections,
    spreads,
    without_ends,
)
from tarmac.check.gates.views.objects.selectors import labels_of, selects
from tarmac.check.gates.views.scope import counted_in_files

#: Kinds whose selector must name their own pods.
KEEPING = ("Deployment", "StatefulSet", "DaemonSet")


def check(files: Files) -> Iterator[Finding]:
    """Yield selectors that match none of the pods that are kept here."""
    kept = list(pods(files))
    for own in kept:
        yield from _own_pods(own)
    index = PodIndex(kept)
    for selection in selections(files):
        if chosen(selection, index) == []:
            yield _finds_none(selection, kept)
    for artifact in without_ends(files) if kept else ():
        what = "selects no pods, and nothing lists its addresses; write a selector"
        yield Finding(artifact.at("spec"), f"{title(artifact)} {what}")


def _own_pods(own: Pods) -> Iterator[Finding]:
    selector, which = Controller(own.artifact).selector, f"{own.kind} {own.name}"
    where = own.artifact.at("spec", "selector")
    if own.kind in KEEPING and not labels_of(selector) and "matchExpressions" not in selector:
        what = f"{which} has no selector, which must name its pods; write it"
        yield Finding(where, what, warning=is_part(own.artifact))
    elif own.kind in KEEPING and not selects(selector, own.labels):
        what = "does not select its own pods; give both the same labels"
        yield Finding(where, f"{which} {what}")
    for path, spread in spreads(own):
        if not spread or not selects(spread, own.labels):
            what = "spreads away from pods that are not its own; select labels of its template"
            yield Finding(own.artifact.at(*path), f"{which} {what}")


def _finds_none(selection: Selection, kept: list[Pods]) -> Finding:
    wanted = labels_of(selection.selector)
    labels = ", ".join(f"{key}={value}" for key, value in wanted.items())
    what = f"{selection.verb} pods of {labels or 'its expressions'}, which no pod has"
    near = next((label for own in kept if (label := _nearly(wanted, own.labels))), "")
    advice = f"did you mean {near}?" if near else "write labels of a pod template"
    where = selection.artifact.at(*selection.path)
    return Finding(where, f"{title(selection.artifact)} {what}; {advice}")


def _nearly(wanted: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Name the one label of a pod that is written almost as it is wanted; "" if that is not so."""
    others = [key for key, value in wanted.items() if labels.get(key) != value]
    if len(others) != 1 or others[0] not in labels:
        return ""
    asked, there = str(wanted[others[0]]), str(labels[others[0]])
    return f"{others[0]}={there}" if is_typo(asked, there) else ""


def _judged(files: Files) -> Iterator[object]:
    yield from pods(files)
    yield from selections(files)


GATE = Gate(
    id="OBJ009",
    title="Every selector finds pods",
    phase="kubernetes",
    source="a Service that selects nothing has no addresses, a budget that does protects nothing, "
    "and an API server takes both",
    check=check,
    of_files=check,
    scope=counted_in_files("selectors", _judged),
    reads="selectors of Deployments, StatefulSets, DaemonSets, Services, budgets, policies and "
    "their peers, and of pods that are to be spread; where these files have pods of the namespace.",
)
