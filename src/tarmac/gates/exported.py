"""Rules and panels ask for metrics that something in the system exports, by labels they have."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac import signals
from tarmac.errors import did_you_mean
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._queries import queries, recorded, selected
from tarmac.report import Finding
from tarmac.signals import Signal


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each expression that cannot be read, or that asks for what nobody has."""
    known, own = signals.read(), recorded(subject)
    for query in queries(subject):
        try:
            found = selected(query.expr)
        except ValueError as error:
            yield Finding(query.path, f"{query.title}: is no PromQL ({error}); correct it")
            continue
        for each in found:
            if each.name in own:
                absent = each.labels - own[each.name] - {"namespace", "service"}
                had = own[each.name]
            elif each.name in known:
                signal = known[each.name]
                if why := _not_here(subject, signal):
                    yield Finding(query.path, f"{query.title}: {each.name} {why}")
                absent, had = each.labels - signal.labels, signal.labels
            else:
                hint = did_you_mean(each.name, {**known, **own})
                what = f"{query.title}: nothing exports {each.name}; {hint}"
                yield Finding(query.path, what)
                continue
            for label in sorted(absent):
                what = f"{query.title}: {each.name} has no label {label}"
                yield Finding(query.path, f"{what}; {did_you_mean(label, had)}")


def _not_here(subject: Subject, signal: Signal) -> str:
    """Say why nothing of this environment exports a metric; empty where something does."""
    if signal.stores:
        there = {each.exporter.id for each in subject.plan.stores if each.exporter}
        return "" if signal.exporter in there else _no_exporter(subject, signal)
    if signal.exporter == "kit" and all(each.metrics is None for each in subject.plan.services):
        return "is exported by services of the kit, and there is none; drop it"
    if signal.parts:
        parts = {part for each in subject.plan.services for part in each.parts}
        if not parts & {f"tarmac_{each}" for each in signal.parts}:
            return f"is exported by {' or '.join(signal.parts)}, which no service has; drop it"
    if signal.kinds and not subject.objects(*signal.kinds):
        what = " or ".join(signal.kinds)
        return f"is exported by nobody here: no {what} is rendered for {signal.exporter}; drop it"
    values = f"/values/{signal.chart}.yaml"
    if signal.chart and not any(each.path.endswith(values) for each in subject.artifacts):
        return f"comes with {signal.chart}, which is not rendered here; drop it, or observe with it"
    if signal.mesh and subject.plan.settings.mesh != signal.mesh:
        return f"is exported by the mesh {signal.mesh}, which is not here; drop it"
    return ""


def _no_exporter(subject: Subject, signal: Signal) -> str:
    """Say of a store's metric what is missing: the store, or who tells of it there."""
    kinds = {each.kind for each in subject.plan.asked.values()}
    which = " or ".join(signal.stores)
    if not kinds & set(signal.stores):
        return f"is exported by {which}, which the system has not; drop it"
    return (
        f"is exported beside {which} in a cluster that Prometheus watches, and none of them is; "
        "drop it, or ask the cloud that keeps the server"
    )


GATE = Gate(
    id="OBS001",
    title="Every rule, alert and panel asks for metrics that are exported, by labels they have",
    phase="observability",
    source="a rule on a metric that nobody exports never fires, and its silence looks like health",
    check=check,
    looks_at="expressions of rule files, PrometheusRules and dashboards, against "
    "assets/signals.yaml, who of it is there in the environment, and what rules record; labels in "
    "selectors, not those of aggregations. Whether Prometheus reaches an exporter it cannot see.",
)
