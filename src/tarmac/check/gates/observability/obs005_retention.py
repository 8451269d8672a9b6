"""Metrics are kept as long as rules and panels look back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.base.written import seconds
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.monitors import stack_values
from tarmac.check.gates.views.monitoring.promql import looks_back_s
from tarmac.check.gates.views.monitoring.queries import Query, queries
from tarmac.check.gates.views.scope import counted

#: The chart's default.
CHART = "10d"
DAY_S = 86400
#: What the operator accepts (its API: Duration).
DURATION = re.compile(r"0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a retention that is shorter than what an expression looks back on."""
    values = stack_values(subject)
    if values is None:
        return
    said, path = values.retention or CHART, values.artifact.path
    if not said or not DURATION.fullmatch(said):
        what = f"invalid retention '{said}': not a Prometheus duration; write e.g. 33d"
        yield Finding(path, what)
        return
    kept_s = seconds(said)
    short = [(b, q) for q in queries(subject) if (b := looks_back_s(q.expr)) > kept_s]
    if not short:
        return
    furthest_s, query = max(short, key=lambda pair: pair[0])
    others = f", and {len(short) - 1} more look further back than that" if len(short) > 1 else ""
    days = f"{furthest_s / DAY_S:g}d"
    yield Finding(
        subject.at("observability", "retention"),
        f"metrics are kept for {said}, and {query.title} looks back {days} ({query.path}){others}: "
        "its result silently covers a part of that time; write `retention: "
        f"{days}` or more, or leave it out ({path})",
    )


def _judged(subject: Subject) -> list[Query]:
    if stack_values(subject) is None:
        return []
    return [query for query in queries(subject) if looks_back_s(query.expr)]


GATE = Gate(
    id="OBS005",
    title="Retention covers the longest range of rules and panels",
    phase="observability",
    source="prometheus.io: Storage, Operational aspects; a budget of 30 days that is counted from "
    "15 forgives what broke it in the first half",
    check=check,
    scope=counted("expressions with a range", _judged),
    targets=("cluster",),
    reads="ranges, subqueries and offsets of rules and panels, and `retention` in the values of "
    "kube-prometheus-stack. Whether its disk is full before that depends on what is measured.",
)
