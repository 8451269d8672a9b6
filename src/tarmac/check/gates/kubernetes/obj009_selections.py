"""Every selector finds pods or namespaces: of Services, budgets, policies and their peers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, at_each, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.leaves import is_typo
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, name_of, title
from tarmac.check.gates.views.objects.scaling import Controller
from tarmac.check.gates.views.objects.selections import (
    Selection,
    chosen,
    selections,
    spreads,
    uncontrolled,
    without_ends,
)
from tarmac.check.gates.views.objects.selectors import labels_of, selects
from tarmac.check.gates.views.overlays.parts import is_part
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Kinds whose selector must name their own pods.
KEEPING = ("Deployment", "StatefulSet", "DaemonSet")
#: The label that an API server writes on each namespace.
_NAME = "kubernetes.io/metadata.name"
#: Where objects select namespaces.
_SPACES = {
    "NetworkPolicy": (
        "spec.ingress.-.from.-.namespaceSelector", "spec.egress.-.to.-.namespaceSelector",
    ),
    "Gateway": ("spec.listeners.-.allowedRoutes.namespaces.selector",),
    "Prometheus": (
        "spec.serviceMonitorNamespaceSelector", "spec.podMonitorNamespaceSelector",
        "spec.ruleNamespaceSelector",
    ),
}  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield selectors that match none of the pods that are kept here."""
    kept = list(pods(files))
    for own in kept:
        yield from _own_pods(own)
    index = PodIndex(kept)
    for selection in selections(files):
        if chosen(selection, index) == []:
            yield _finds_none(selection, kept)
    yield from _namespaces(files)
    for artifact in without_ends(files) if kept else ():
        what = "selects no pods, and nothing lists its addresses; write a selector"
        yield Finding(artifact.at("spec"), f"{title(artifact)} {what}")


def _namespaces(files: Files) -> Iterator[Finding]:
    """Yield selectors of namespaces that one of the files nearly fits, and none fits."""
    there = [(name_of(one), metadata(one).labels) for one in files.objects("Namespace")]
    for artifact, path, wanted in _of_namespaces(files) if there else ():
        if any(selects({"matchLabels": wanted}, {_NAME: name, **own}) for name, own in there):
            continue
        values = set(map(str, wanted.values()))
        for name, own in there:
            known = {_NAME: name, **own}
            near = _nearly(wanted, known)
            if near or (name in values and len(wanted) == 1):
                labels = ", ".join(f"{key}={value}" for key, value in wanted.items())
                advice = f"did you mean {near}?" if near else f"write {_NAME}: {name}"
                what = f"{title(artifact)} selects namespaces of {labels}, and Namespace {name}"
                yield Finding(artifact.at(*path), f"{what} here is not one of them; {advice}")
                break


def _of_namespaces(files: Files) -> Iterator[tuple[Artifact, Path, Mapping[str, str]]]:
    for artifact in files.objects(*_SPACES):
        for place in _SPACES[kind_of(artifact)]:
            for path, selector in at_each(artifact.data, place.split(".")):
                if wanted := labels_of(fields(selector)):
                    yield artifact, path, wanted


def _own_pods(own: Pods) -> Iterator[Finding]:
    selector, which = Controller(own.artifact).selector, f"{own.kind} {own.name}"
    where = own.artifact.at("spec", "selector")
    if own.kind in KEEPING and not labels_of(selector) and "matchExpressions" not in selector:
        what = f"{which} has no selector, which must name its pods; write it"
        # Without any, VAL001 says it, too; an empty one is refused as well.
        is_told = "selector" not in fields(own.artifact.data, "spec")
        yield Finding(where, what, warning=is_told or is_part(own.artifact))
    elif own.kind in KEEPING and not _agree(selector, own.labels):
        what = "does not select its own pods; give both the same labels"
        yield Finding(where, f"{which} {what}")
    for path, spread in spreads(own):
        if not spread or not selects(uncontrolled(spread), own.labels):
            what = "spreads away from pods that are not its own; select labels of its template"
            yield Finding(own.artifact.at(*path), f"{which} {what}")


def _agree(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a selector finds labels, or one of the two has a mark in place of a value."""
    values = (*labels_of(selector).values(), *labels.values())
    return selects(selector, labels) or any(map(is_mark, values))


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
    yield from _of_namespaces(files)


GATE = Gate(
    id="OBJ009",
    title="Every selector finds pods or namespaces",
    phase="kubernetes",
    source="a Service that selects nothing has no addresses, a budget that does protects nothing, "
    "and an API server takes both",
    check=check,
    of_files=check,
    scope=counted_in_files("selectors", _judged),
    reads="selectors of Deployments, StatefulSets, DaemonSets, Services, budgets, policies and "
    "their peers, and of pods that are to be spread, where these files have pods of the namespace; "
    "those of namespaces beside a Namespace that is nearly meant.",
)
