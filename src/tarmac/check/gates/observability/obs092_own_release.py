"""What a Prometheus of the usual chart is to read has the label of the chart's release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.released_charts import ReleasedChart, released_charts
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_STACK = "kube-prometheus-stack"
#: Kinds that it reads, and how its values call their selector.
_READ = {
    "PrometheusRule": "ruleSelector", "ServiceMonitor": "serviceMonitorSelector",
    "PodMonitor": "podMonitorSelector", "Probe": "probeSelector",
    "ScrapeConfig": "scrapeConfigSelector",
}  # fmt: skip


class ReadByStack(NamedTuple):
    """What is read by the one Prometheus that is installed here."""

    artifact: Artifact
    stack: ReleasedChart
    release: str


def check(files: Files) -> Iterator[Finding]:
    """Yield objects that the Prometheus of the chart's values does not select."""
    for one in _read(files):
        spec = fields(one.stack.values, "prometheus", "prometheusSpec")
        selector = _READ[kind_of(one.artifact)]
        is_chosen = selector in spec or spec.get(f"{selector}NilUsesHelmValues") is False
        labels = metadata(one.artifact).labels
        if not is_chosen and labels.get("release") != one.release:
            what = f"{title(one.artifact)} has no label release={one.release}, and the Prometheus"
            why = f"of that release of {_STACK} reads nothing else ({one.stack.artifact.path})"
            advice = f"write it, or {selector}NilUsesHelmValues: false in its values"
            where = one.artifact.at("metadata", "labels")
            yield Finding(where, f"{what} {why}; {advice}", warning=True)


@once
def _read(files: Files) -> Iterator[ReadByStack]:
    found = list(released_charts(files, frozenset({_STACK})))
    # Of several Prometheuses another one may read it.
    if len(found) != 1 or found[0].is_open or any(True for _ in files.objects("Prometheus")):
        return
    (stack,) = found
    release = _name(stack)
    for artifact in files.objects(*_READ) if release else ():
        if not artifact.built_by:
            yield ReadByStack(artifact, stack, release)


def _name(stack: ReleasedChart) -> str:
    """Name the release; "" where it is not known."""
    data = stack.artifact.data
    if kind_of(stack.artifact) == "HelmRelease":
        return string(data, "spec", "releaseName") or name_of(stack.artifact)
    if kind_of(stack.artifact) == "Application":
        own = string(data, "spec", "source", "helm", "releaseName")
        return own or name_of(stack.artifact)
    return ""


GATE = Gate(
    id="OBS092",
    title="What the Prometheus of the usual chart is to read has the label of its release",
    phase="observability",
    source="https://github.com/prometheus-community/helm-charts/tree/main/charts/"
    "kube-prometheus-stack: ruleSelectorNilUsesHelmValues and its like are true by default",
    check=check,
    of_files=check,
    scope=counted_in_files("rules and monitors beside the release of their Prometheus", _read),
    targets=(),
    reads="rules, monitors and probes beside the one release of kube-prometheus-stack whose values "
    "are in these files. Judges files without a plan only.",
)
