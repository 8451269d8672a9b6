"""What operators of monitoring choose by labels has these labels: rules, monitors, dashboards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import (
    group_of,
    kind_of,
    metadata,
    name_of,
    space_of,
    title,
)
from tarmac.check.gates.views.objects.selectors import labels_of, selects
from tarmac.check.gates.views.overlays.parts import is_part
from tarmac.check.gates.views.scope import counted_in_files

_PROMETHEUS, _GRAFANA = "monitoring.coreos.com", "grafana.integreatly.org"
#: The label that an API server writes on each namespace.
_NAME = "kubernetes.io/metadata.name"


class Choice(NamedTuple):
    """What chooses a kind of objects, and by which key."""

    choosers: tuple[str, ...]
    key: str


_MONITORS = ("Prometheus", "PrometheusAgent")
CHOICES = {
    "PrometheusRule": Choice(("Prometheus", "ThanosRuler"), "rule"),
    "ServiceMonitor": Choice(_MONITORS, "serviceMonitor"),
    "PodMonitor": Choice(_MONITORS, "podMonitor"),
    "Probe": Choice(_MONITORS, "probe"),
    "ScrapeConfig": Choice(_MONITORS, "scrapeConfig"),
    "AlertmanagerConfig": Choice(("Alertmanager",), "alertmanagerConfig"),
}
_OF_GRAFANA = (
    "GrafanaDashboard", "GrafanaDatasource", "GrafanaFolder", "GrafanaAlertRuleGroup",
    "GrafanaContactPoint", "GrafanaNotificationPolicy",
)  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield objects that none of the operators' own objects here chooses."""
    spaces = {name_of(one): metadata(one).labels for one in files.objects("Namespace")}
    known: dict[tuple[str, tuple[tuple[str, str], ...], str], bool] = {}
    of_kinds = {
        kind: [one for one in _of(files, _PROMETHEUS, *choice.choosers) if not is_part(one)]
        for kind, choice in CHOICES.items()
    }
    for artifact in _chosen(files):
        choice, choosers = CHOICES[kind_of(artifact)], of_kinds[kind_of(artifact)]
        own = metadata(artifact).labels
        labels = tuple(sorted((str(name), str(value)) for name, value in own.items()))
        key = (kind_of(artifact), labels, space_of(artifact))
        if key not in known:
            known[key] = any(_may_choose(one, choice, own, key[2], spaces) for one in choosers)
        if choosers and not known[key]:
            asked = _told(fields(choosers[0].data, "spec", f"{choice.key}Selector"))
            what = f"{title(artifact)} has none of the labels and namespaces that"
            what = f"{what} {title(choosers[0])} chooses ({asked}), so it is not read"
            where = artifact.at("metadata", "labels")
            yield Finding(where, f"{what}; give it these, or widen the selector", warning=True)
    yield from _of_grafanas(files)


def _may_choose(
    chooser: Artifact, choice: Choice, own: Fields, space: str, spaces: Mapping[str, Fields]
) -> bool:
    """Tell whether an object is chosen, or may be: what a namespace has elsewhere is not known."""
    spec = fields(chooser.data, "spec")
    selector = spec.get(f"{choice.key}Selector")
    if selector is None or not selects(fields(selector), own):
        return False
    within = spec.get(f"{choice.key}NamespaceSelector")
    if within is None:
        return space_of(chooser) in ("", space) or not space
    if not space or (space not in spaces and set(labels_of(fields(within))) != {_NAME}):
        return True
    return selects(fields(within), {_NAME: space, **spaces.get(space, {})})


def _of_grafanas(files: Files) -> Iterator[Finding]:
    grafanas = [(one, metadata(one).labels) for one in _of(files, _GRAFANA, "Grafana")]
    for artifact in _of(files, _GRAFANA, *_OF_GRAFANA) if grafanas else ():
        selector = fields(artifact.data, "spec", "instanceSelector")
        if selector and not any(selects(selector, labels) for _, labels in grafanas):
            labels = _told(grafanas[0][1])
            what = f"{title(artifact)} is for a Grafana of {_told(selector)}, and"
            what = f"{what} {title(grafanas[0][0])} has {labels}, so it is not shown"
            where = artifact.at("spec", "instanceSelector")
            yield Finding(where, f"{what}; write labels of the Grafana", warning=True)


def _told(selector: Fields) -> str:
    plain = labels_of(selector) or {k: v for k, v in selector.items() if isinstance(v, str)}
    listed = ", ".join(f"{key}={value}" for key, value in plain.items())
    return listed or ("labels by expressions" if selector else "no labels")


def _of(files: Files, group: str, *kinds: str) -> list[Artifact]:
    return [one for one in files.objects(*kinds) if group_of(one) == group]


def _chosen(files: Files) -> list[Artifact]:
    return _of(files, _PROMETHEUS, *CHOICES)


def _judged(files: Files) -> Iterator[object]:
    if _of(files, _PROMETHEUS, "Prometheus", "PrometheusAgent", "ThanosRuler", "Alertmanager"):
        yield from _chosen(files)
    if _of(files, _GRAFANA, "Grafana"):
        yield from _of(files, _GRAFANA, *_OF_GRAFANA)


GATE = Gate(
    id="OBJ036",
    title="What operators of monitoring choose has the labels that they ask for",
    phase="kubernetes",
    source="https://prometheus-operator.dev/docs/developer/getting-started: an object that no "
    "selector takes is left out without a word; a selector that is not written takes none",
    check=check,
    of_files=check,
    scope=counted_in_files("objects beside what chooses them", _judged),
    targets=(),
    reads="PrometheusRules, monitors, probes and AlertmanagerConfigs beside the selectors of the "
    "Prometheus, ThanosRuler and Alertmanager objects here, and Grafana's objects beside its "
    "labels. Judges files without a plan only.",
)
