"""Alerts fire for what their texts say: not for what no number is, and for each that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.bounds import bounds, is_absent
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.monitoring.kept_labels import is_number, joined, labels
from tarmac.check.gates.views.monitoring.promql import bare, is_of_logs, parts
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, parsed, placed_groups
from tarmac.check.gates.views.monitoring.shown_labels import labels_of_value, shown_labels
from tarmac.check.gates.views.scope import counted_in_files

#: Names that are written one beside the other in a pattern.
_SEVERAL = re.compile(r"\(?[\w.-]+(\|[\w.-]+)+\)?")
#: Names of what goes up and down, or begins again with each pod.
_NO_COUNTER = re.compile(
    r"^kube_|(waiting|current|active|idle|open|free|used|size|limit|capacity|available|memory|threads"
    r"|connections|backends|queue\w*|lag|pending|running|members|nodes|disk)_total$"
)
_SIGNS = ("==", "!=", ">", "<", ">=", "<=")


def check(files: Files) -> Iterator[Finding]:
    """Yield alerts that cannot fire, that fire too late, or that show what they do not have."""
    for rule in _alerts(files):
        if (tree := parsed(rule)) is None:
            continue
        where = rule.artifact.at(*rule.path, "expr")
        for what in dict.fromkeys((*_never(tree), *_late(tree), *_lost(rule, tree))):
            yield Finding(where, f"{rule.name}: {what}")
        for key, what in _begun_again(rule, tree):
            yield Finding(rule.artifact.at(*rule.path, "labels", key), f"{rule.name}: {what}")
        for what in dict.fromkeys(_for_ever(tree)):
            yield Finding(where, f"{rule.name}: {what}", warning=True)


def _alerts(files: Files) -> Iterator[PlacedRule]:
    for group in placed_groups(files):
        yield from (one for one in group if one.data.get("alert") and not is_of_logs(one.expr))


def _never(tree: Any) -> Iterator[str]:
    """Yield comparisons with a number that what is compared never is."""
    # What is asked of nothing by absent() beside it, a count need not tell.
    is_asked = any(map(is_absent, parts(tree)))
    for node in parts(tree):
        if type(node).__name__ != "BinaryExpr" or str(node.op) not in _SIGNS:
            continue
        is_bool = node.modifier is not None and node.modifier.return_bool
        is_left = is_bool or (is_asked and _is_count(node.lhs))
        if is_left or not is_number(node.rhs) or is_number(node.lhs) or not _is_never(node):
            continue
        low, high = bounds(node.lhs)
        asked = f"{node.op} {bounds(node.rhs)[0]:g}"
        if _is_count(node.lhs):
            what = f"`{asked}` is never so: a count of nothing has no result instead of 0"
            yield f"{what}; write `or vector(0)` behind the count, or absent()"
        else:
            span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            yield f"`{asked}` is never so: what is compared is {span}; correct the number"


def _is_never(node: Any) -> bool:
    """Tell whether a comparison is true of no number that its left side can be."""
    left, right = bounds(node.lhs), bounds(node.rhs)
    match str(node.op):
        case "==":
            return left[0] > right[1] or left[1] < right[0]
        case ">":
            return left[1] <= right[0]
        case "<":
            return left[0] >= right[1]
        case ">=":
            return left[1] < right[0]
        case "<=":
            return left[0] > right[1]
        case "!=":
            return left == right and left[0] == left[1]
    return False


def _for_ever(tree: Any) -> Iterator[str]:
    """Yield counters above a number: they only grow, so that does not end."""
    for node in parts(tree):
        if type(node).__name__ == "BinaryExpr" and str(node.op) in (">", ">="):
            side = bare(node.lhs)
            while type(side).__name__ == "AggregateExpr" and str(side.op) in ("sum", "max", "min"):
                side = bare(side.expr)
            name = str(side.name or "") if type(side).__name__ == "VectorSelector" else ""
            # What a pod's containers count begins again with each pod.
            is_counter = name.endswith("_total") and not _NO_COUNTER.search(name)
            above = bounds(node.rhs)[0] if is_number(node.rhs) else 0
            if is_counter and above > 0:
                what = (
                    f"{name} is a counter, which only grows: once above {above:g} the alert fires"
                )
                yield f"{what} until a restart; compare increase({name}[...])"


def _begun_again(rule: PlacedRule, tree: Any) -> Iterator[tuple[str, str]]:
    """Yield labels that change with the value, of alerts that have to last."""
    low, high = bounds(tree)
    if not duration_s(rule.data.get("for")) or low == high or _is_equal(tree):
        return
    for key in labels_of_value(rule):
        what = f"its label {key} shows the value, so each other value is another alert, which waits"
        yield key, f"{what} `for: {rule.data['for']}` from its start; write it as an annotation"


def _is_equal(node: Any) -> bool:
    """Tell whether a result is one number: what is compared with it by ==."""
    node = bare(node)
    if type(node).__name__ != "BinaryExpr":
        return False
    operator = str(node.op)
    return _is_equal(node.lhs) if operator in ("and", "unless") else operator == "=="


def _is_count(node: Any) -> bool:
    node = bare(node)
    return type(node).__name__ == "AggregateExpr" and str(node.op) == "count"


def _late(tree: Any) -> Iterator[str]:
    """Yield what is true only where all of several are gone."""
    for node in parts(tree):
        if not is_absent(node):
            continue
        for inner in parts(node.args[0]):
            for one in inner.matchers.matchers if type(inner).__name__ == "VectorSelector" else ():
                if str(one.op).endswith(".Re") and _SEVERAL.fullmatch(one.value):
                    what = f"{node.func.name} of {one.name}=~{one.value} is true only where all of"
                    yield f"{what} them are gone; write one for each, with `or` between"


def _lost(rule: PlacedRule, tree: Any) -> Iterator[str]:
    """Yield labels that texts show, and the result does not have."""
    shown = shown_labels(rule)
    shown -= {*map(str, rule.labels), "alertname"}
    kept = labels(tree)
    if kept is not None:
        # OBS025 says it of a sum, whose labels are listed where it is written.
        is_sum = any(type(one).__name__ == "AggregateExpr" for one in _heads(tree))
        for label in sorted(shown - kept) if not is_sum else ():
            has = ", ".join(sorted(kept)) or "none"
            yield f"its texts show {label}, which its result does not have (it has {has})"
    elif (found := joined(tree)) is not None:
        side, node = found
        other = node.rhs if side is node.lhs else node.lhs
        given = {*node.modifier.matching.labels, *(node.modifier.group_labels or ())}
        for label in sorted((shown & _asked(other)) - given - _asked(side)):
            how = f"* on (...) group_left ({label})"
            what = f"its texts show {label}, which only the other side of `{node.op}` is known by"
            yield f"{what}; take it along: {how}"


def _heads(tree: Any) -> Iterator[Any]:
    """Yield what gives a result its labels through comparisons with numbers."""
    node = bare(tree)
    while type(node).__name__ == "BinaryExpr" and is_number(node.rhs):
        node = bare(node.lhs)
    yield node


def _asked(node: Any) -> set[str]:
    """List the labels that an expression names."""
    found = set[str]()
    for one in parts(node):
        kind = type(one).__name__
        if kind == "VectorSelector":
            found |= {matcher.name for matcher in one.matchers.matchers}
        elif kind == "AggregateExpr" and one.modifier is not None:
            found |= set(one.modifier.labels)
    return found


GATE = Gate(
    id="OBS028",
    title="Alerts can fire, for each that is gone, and have the labels that they show",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/querying/functions/#absent: an expression "
    "without a result is not 0, so a comparison of it never fires",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("alerts", _alerts),
    #: OBS001 and OBS002 hold the expressions of a plan to the metrics that it has.
    targets=(),
    reads="rules in PromQL: numbers that counts, shares and switches can be, `absent` of several, "
    "labels that joins keep. What labels a series has is known as far as the expression names "
    "them. Judges files without a plan only.",
)
