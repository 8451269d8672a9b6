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
    """Say why nothing of this system exports a metric; empty where something does."""
    if signal.stores:
        kinds = {str(store.kind) for store in subject.system.file.stores.values()}
        broker = subject.plan.settings.broker or subject.system.file.broker
        if broker is not None:
            kinds.add(str(broker.kind))
        if not kinds & set(signal.stores):
            return f"is exported by {' or '.join(signal.stores)}, which the system has not; drop it"
    if signal.parts:
        parts = {part for each in subject.plan.services for part in each.parts}
        if not parts & {f"tarmac_{each}" for each in signal.parts}:
            return f"is exported by {' or '.join(signal.parts)}, which no service has; drop it"
    return ""


GATE = Gate(
    id="OBS001",
    title="Every rule, alert and panel asks for metrics that are exported, by labels they have",
    phase="observability",
    source="a rule on a metric that nobody exports never fires, and its silence looks like health",
    check=check,
    looks_at="expressions of rule files, PrometheusRules and dashboards, against "
    "assets/signals.yaml and what rules record; labels in selectors, not those of aggregations.",
)
