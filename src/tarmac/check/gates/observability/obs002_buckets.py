"""A latency bound is counted only where a histogram has a bucket that ends there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from tarmac.base import signals
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.promql import selected
from tarmac.check.gates.views.monitoring.queries import queries
from tarmac.check.gates.views.scope import counted
from tarmac.plan.slo import indicator


def _near(value: float, known: tuple[float, ...]) -> str:
    return " or ".join(f"{bound:g}" for bound in indicator.nearest(value, known))


def check(subject: Subject) -> Iterator[Finding]:
    """Yield objectives whose bound no bucket has, and selectors of such a bucket."""
    watched = subject.plan.settings.observability
    for index, objective in enumerate(subject.plan.objectives if watched else ()):
        bound, known = objective.latency, indicator.buckets()
        if bound is not None and indicator.bound(bound, known) is None:
            where = str(subject.system.locate(("objectives", index, "latency")))
            what = f"no bucket ends at {bound:g} s, so faster requests cannot be counted"
            yield Finding(where, f"{what}; write {_near(bound, known)} s")
    known_signals = signals.read()
    for query in queries(subject):
        try:
            found = selected(query.expr)
        except ValueError:  # OBS001 says so
            continue
        for selector in found:
            text, signal = selector.equal.get("le"), known_signals.get(selector.name)
            if text is None or signal is None or text == "+Inf" or not signal.buckets:
                continue
            if text not in map(indicator.le, signal.buckets):
                what = f'{query.title}: {selector.name} has no bucket le="{text}"'
                try:
                    near = _near(float(text), signal.buckets)
                except ValueError:
                    near = ", ".join(map(indicator.le, signal.buckets))
                yield Finding(query.path, f"{what}; write {near}, as the exporter does")


def _bounds(subject: Subject) -> Iterator[object]:
    """Yield the objectives of latency, and the selectors of a bucket."""
    if subject.plan.settings.observability:
        yield from (
            objective for objective in subject.plan.objectives if objective.latency is not None
        )
    for query in queries(subject):
        with suppress(ValueError):  # OBS001 says so
            yield from (selector for selector in selected(query.expr) if "le" in selector.equal)


GATE = Gate(
    id="OBS002",
    title="Every time bound has a histogram bucket",
    phase="observability",
    source="a selector of a missing bucket returns nothing, so its alert never fires",
    check=check,
    scope=counted("time bounds", _bounds),
    reads="latency objectives, and `le` in selectors of rules and panels.",
)
