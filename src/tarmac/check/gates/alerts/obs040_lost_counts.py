"""An alert on a count tells of all that are lost, too: a count of nothing has no result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.bounds import bounds
from tarmac.check.gates.views.monitoring.kept_labels import is_number
from tarmac.check.gates.views.monitoring.promql import bare, is_of_logs, parts
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, parsed, placed_groups
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_ABSENT = re.compile(r"absent(?:_over_time)?\(\s*\(*([\w:]+)")


def check(files: Files) -> Iterator[Finding]:
    """Yield alerts that ask whether a count is small, and tell nothing where it is none."""
    for rule in _counting(files):
        metric = _uncounted(parsed(rule))
        if metric and metric not in _absences(files):
            what = f"{rule.name}: a count of {metric} has no result where none is left, so it tells"
            where = rule.artifact.at(*rule.path, "expr")
            said = f"{what} of some that are gone and not of all; add `or absent(...)`"
            yield Finding(where, said, warning=True)


def _uncounted(tree: Any) -> str:
    """Name the metric whose count is asked to be less than a number; "" of any other alert."""
    node = bare(tree)
    if type(node).__name__ != "BinaryExpr" or str(node.op) not in ("<", "<="):
        return ""
    counted = bare(node.lhs)
    if type(counted).__name__ != "AggregateExpr" or str(counted.op) != "count":
        return ""
    # By labels it is a count of each of several, of which one may go.
    is_whole = not (counted.modifier is not None and counted.modifier.labels)
    if not is_whole or not is_number(node.rhs) or bounds(node.rhs)[0] < 1:
        return ""
    return next((str(one.name) for one in parts(counted.expr) if getattr(one, "name", None)), "")


@once
def _absences(files: Files) -> Iterator[str]:
    """Yield the metrics of which an alert asks whether any is there."""
    for group in placed_groups(files):
        for rule in group:
            yield from _ABSENT.findall(str(rule.expr))


@once
def _counting(files: Files) -> Iterator[PlacedRule]:
    for group in placed_groups(files):
        for rule in group:
            is_one = rule.data.get("alert") and "count" in str(rule.expr)
            if is_one and not is_of_logs(rule.expr) and parsed(rule) is not None:
                yield rule


GATE = Gate(
    id="OBS040",
    title="Alerts on a count tell of all that are lost, too",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators"
    ": an aggregation of no series has no result, so a comparison of it is not true",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("alerts with a count", _counting),
    targets=(),
    reads="alerts that compare a whole count with < or <=, beside `absent` in all rules here. "
    "Judges files without a plan only.",
)
