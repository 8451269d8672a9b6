"""Rules and panels query metrics that the system exports, by labels that they have."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base import signals
from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding
from tarmac.base.signals import Signal
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.promql import selected
from tarmac.check.gates.views.monitoring.queries import queries, recorded
from tarmac.check.gates.views.scope import counted


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each expression that is invalid, or that queries what is not exported."""
    known, own = signals.read(), recorded(subject)
    absences: dict[str, str] = {}
    for query in queries(subject):
        try:
            found = selected(query.expr)
        except ValueError as error:
            yield Finding(query.path, f"{query.title}: is invalid PromQL ({error}); correct it")
            continue
        for selector in found:
            if selector.name in own:
                absent = selector.labels - own[selector.name] - {"namespace", "service"}
                had = own[selector.name]
            elif selector.name in known:
                signal = known[selector.name]
                if selector.name not in absences:
                    absences[selector.name] = _not_here(subject, signal)
                if why := absences[selector.name]:
                    yield Finding(query.path, f"{query.title}: {selector.name} {why}")
                absent, had = selector.labels - signal.labels, signal.labels
            else:
                hint = did_you_mean(selector.name, {**known, **own})
                what = f"{query.title}: nothing exports {selector.name}; {hint}"
                yield Finding(query.path, what)
                continue
            for label in sorted(absent):
                what = f"{query.title}: {selector.name} has no label {label}"
                yield Finding(query.path, f"{what}; {did_you_mean(label, had)}")


def _not_here(subject: Subject, signal: Signal) -> str:
    """Return why nothing of this environment exports a metric; empty where something does."""
    if signal.stores:
        there = {store.exporter.id for store in subject.plan.stores if store.exporter}
        return "" if signal.exporter in there else _no_exporter(subject, signal)
    if signal.exporter == "kit" and all(
        service.metrics is None for service in subject.plan.services
    ):
        return "is exported by services of the kit, but the system has none; remove it"
    if signal.parts:
        parts = {part for service in subject.plan.services for part in service.parts}
        if not parts & {f"tarmac_{part}" for part in signal.parts}:
            return f"is exported by {' or '.join(signal.parts)}, which no service has; remove it"
    if signal.kinds and not subject.objects(*signal.kinds):
        what = " or ".join(signal.kinds)
        return f"is not exported here: no {what} is rendered for {signal.exporter}; remove it"
    values = f"/values/{signal.chart}.yaml"
    if signal.chart and not any(artifact.path.endswith(values) for artifact in subject.artifacts):
        what = f"comes with {signal.chart}, which is not rendered here"
        return f"{what}; remove it, or enable the chart under `observability`"
    if signal.mesh and subject.plan.settings.mesh != signal.mesh:
        return f"is exported by the mesh {signal.mesh}, which is not installed here; remove it"
    return ""


def _no_exporter(subject: Subject, signal: Signal) -> str:
    """Say of a store's metric what is missing: the store, or its exporter."""
    kinds = {store.kind for store in subject.plan.asked.values()}
    which = " or ".join(signal.stores)
    if not kinds & set(signal.stores):
        return f"is exported by {which}, which the system does not have; remove it"
    return (
        f"is exported beside {which} in a cluster that Prometheus watches, and none of them is; "
        "remove it, or query the cloud's own metrics"
    )


GATE = Gate(
    id="OBS001",
    title="Rules, alerts and panels use exported metrics and existing labels",
    phase="observability",
    source="a rule on a metric that is not exported never fires, and its silence looks like health",
    check=check,
    scope=counted("expressions", queries),
    reads="expressions of rule files, PrometheusRules and dashboards, against "
    "assets/signals.yaml, the exporters of the environment, and what rules record; labels in "
    "selectors, not those of aggregations. Whether Prometheus reaches an exporter it cannot see.",
)
