"""Alerts query metrics of this environment: without an exporter they are silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from tarmac.base import signals
from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.promql import selected
from tarmac.check.gates.views.monitoring.queries import Query, queries
from tarmac.check.gates.views.scope import counted

#: How charts call the object by which Prometheus reads them.
MONITORS = ("servicemonitor", "podmonitor")
#: The chart that brings Prometheus and always scrapes its own exporters.
STACK = "kube-prometheus-stack"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the alerts whose metrics nothing exports, and charts that are not scraped."""
    known, asking = signals.read(), dict[str, set[str]]()
    for query in _alerts(subject):
        alert = str(query.alert)
        with suppress(ValueError):  # OBS001 says so
            asked = [
                known[selector.name] for selector in selected(query.expr) if selector.name in known
            ]
            for why, exporter in {
                (source.absent, source.exporter)
                for source in asked
                if source.absent and not _values(subject, source.exporter)
            }:
                what = f"{alert} can never fire: {why}; let Prometheus scrape {exporter}"
                advice = f"{what}, and suppress this in suppressions.yaml"
                yield Finding(query.path, advice, warning=True)
            for source in asked:
                asking.setdefault(source.chart, set()).add(alert)
    for chart, alerts in sorted(asking.items()):
        values = _values(subject, chart)
        if values and chart != STACK and not any(_read(value.data) for value in values):
            yield Finding(
                values[0].path,
                f"leaves the chart's monitor out, so Prometheus does not scrape {chart} and "
                f"{', '.join(sorted(alerts))} can never fire; turn it on",
            )


def _values(subject: Subject, chart: str) -> list[Artifact]:
    """List the values of a chart."""
    ends = f"/values/{chart}.yaml"
    return [artifact for artifact in subject.artifacts if artifact.path.endswith(ends)]


def _read(values: Any) -> bool:
    """Tell whether a monitor is on, at any depth."""
    if not isinstance(values, Mapping):
        return False
    return any(
        _read(value)
        or (
            name.lower() in MONITORS and isinstance(value, Mapping) and value.get("enabled") is True
        )
        for name, value in values.items()
    )


def _alerts(subject: Subject) -> list[Query]:
    return [query for query in queries(subject) if query.alert is not None]


GATE = Gate(
    id="OBS014",
    title="Metrics of alerts are installed and scraped",
    phase="observability",
    source="an alert without its exporter is silent; an alert on that would fire from a cluster's "
    "first day and be ignored, so it is reported here",
    check=check,
    scope=counted("alerts", _alerts),
    targets=("cluster",),
    reads="the metrics of alerts against assets/signals.yaml, and charts' values in */values/. "
    "OBS001 reports metrics of charts that are not rendered.",
)
