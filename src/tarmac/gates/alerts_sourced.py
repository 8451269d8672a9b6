"""Alerts ask for what is measured in this environment: what nothing brings keeps them silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from tarmac import signals
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._queries import queries, selected
from tarmac.report import Finding

#: How charts call the object by which Prometheus reads them.
MONITORS = ("servicemonitor", "podmonitor")
#: The chart that brings Prometheus and reads its own exporters anyhow.
STACK = "kube-prometheus-stack"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the alerts whose metrics nothing brings, and charts of which none are read."""
    known, asking = signals.read(), dict[str, set[str]]()
    for query in queries(subject):
        if "alert" not in query.rule:
            continue
        alert = str(query.rule["alert"])
        with suppress(ValueError):  # OBS001 says so
            asked = [known[each.name] for each in selected(query.expr) if each.name in known]
            for why, exporter in {(each.absent, each.exporter) for each in asked if each.absent}:
                what = f"{alert} can never fire: {why}; have Prometheus read {exporter}"
                advice = f"{what}, and bear this in suppressions.yaml"
                yield Finding(query.path, advice, warning=True)
            for each in asked:
                asking.setdefault(each.chart, set()).add(alert)
    for chart, alerts in sorted(asking.items()):
        ends = f"/values/{chart}.yaml"
        values = [each for each in subject.artifacts if each.path.endswith(ends)]
        if values and chart != STACK and not any(_read(each.data) for each in values):
            yield Finding(
                values[0].path,
                f"leaves the chart's monitor out, so Prometheus does not read {chart} and "
                f"{', '.join(sorted(alerts))} can never fire; turn it on",
            )


def _read(values: Any) -> bool:
    """Tell whether a monitor is on, however deep it stands."""
    if not isinstance(values, Mapping):
        return False
    return any(
        _read(value)
        or (
            name.lower() in MONITORS and isinstance(value, Mapping) and value.get("enabled") is True
        )
        for name, value in values.items()
    )


GATE = Gate(
    id="OBS014",
    title="What alerts ask for is brought, and Prometheus is told to read it",
    phase="observability",
    source="an alert without its exporter is silent; one that says so from a cluster's first day "
    "teaches people to look away, so it is said here",
    check=check,
    targets=("cluster",),
    looks_at="the metrics of alerts against assets/signals.yaml, and charts' values in */values/. "
    "Of what a chart that is not rendered would bring, OBS001 speaks.",
)
