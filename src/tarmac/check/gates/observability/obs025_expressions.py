"""Expressions of rules can have a result: labels that are kept, types of series, ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.chosen_labels import (
    asked_for_nothing,
    beside_chosen,
    texts_of_patterns,
)
from tarmac.check.gates.views.monitoring.doubled import doubled
from tarmac.check.gates.views.monitoring.matching import (
    INCREASES,
    OF_TWO,
    grouped,
    origin,
    unmatched,
)
from tarmac.check.gates.views.monitoring.parted_labels import apart
from tarmac.check.gates.views.monitoring.promql import bare, is_of_logs, parts
from tarmac.check.gates.views.monitoring.renamed_labels import renamed_labels
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, parsed, placed_groups
from tarmac.check.gates.views.monitoring.scrapes import apart_s
from tarmac.check.gates.views.monitoring.shown_labels import shown_labels
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Series that go down as well, by the ends of their names that Prometheus recommends.
_GAUGE = re.compile(
    r"(?!.*_(total|count|sum|bucket)$)(.*_(bytes|ratio|celsius|percent|connections|goroutines|threads"
    r"|replicas|info|timestamp_seconds)|up|go_goroutines|go_threads|node_load\d+|process_open_fds)$"
)
#: Counters whose names end as those of gauges do.
_COUNTER = re.compile(
    r"(node|container|windows)_(network|disk|fs|netstat|vmstat|nfs|logical_disk|net)_.*"
    r"|.*_(sent|received|read|written|transmit|receive|reads|writes|transferred|fetched)_bytes"
    r"|.*_(rx|tx|in|out|input|output|egress|ingress)_bytes"
    r"|(bytes|.*:.*)"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield expressions that have no result, or a wrong one, whatever is measured."""
    known = _asked(files)
    for rule in _rules(files):
        if (tree := parsed(rule)) is None:
            continue
        where = rule.artifact.at(*rule.path, "expr")
        own = (*_faults(tree), *_always(rule, tree), *renamed_labels(files, rule.expr, tree))
        for what in (*own, *_texts(rule, tree)):
            yield Finding(where, f"{rule.name}: {what}")
        for what in dict.fromkeys(_apart(tree, known)):
            yield Finding(where, f"{rule.name}: {what}", warning=True)
        for what, is_open in _ranges(files, rule.artifact, tree).items():
            yield Finding(where, f"{rule.name}: {what}", warning=is_open)


@once
def _rules(files: Files) -> Iterator[PlacedRule]:
    for group in placed_groups(files):
        yield from (rule for rule in group if rule.expr and not is_of_logs(rule.expr))


def _asked(files: Files) -> set[tuple[str, str]]:
    """List the metrics with each label that some rule asks of them."""
    trees = filter(None, map(parsed, _rules(files)))
    return {
        (str(node.name), matcher.name)
        for tree in trees
        for node in parts(tree)
        if type(node).__name__ == "VectorSelector"
        for matcher in node.matchers.matchers
    }


def _apart(tree: Any, known: set[tuple[str, str]]) -> Iterator[str]:
    """Yield series that are held against others which may lack a label of theirs."""
    for node in parts(tree):
        for operator, label, own, other in (
            apart(node) if type(node).__name__ == "BinaryExpr" else ()
        ):
            if (other, label) not in known:
                effect = "leaves nothing out" if operator == "unless" else "has no result"
                what = f"`{operator}` holds {own}, which has {label}, against {other}, of which"
                said = f"{what} nothing asks for it: without that label it {effect}"
                yield f"{said}; write {operator} on(...) with the labels of both"


def _ranges(files: Files, artifact: Artifact, tree: Any) -> dict[str, bool]:
    """Find ranges that are too short for two scrapes, and whether that may not be so."""
    found = dict[str, bool]()
    for node in parts(tree):
        if type(node).__name__ != "Call" or node.func.name not in OF_TWO or not node.args:
            continue
        inner = bare(node.args[0])
        # What another rule records is as far apart as its group is evaluated.
        if type(inner).__name__ != "MatrixSelector" or ":" in str(inner.vector_selector.name):
            continue
        own = {m.name: m.value for m in inner.vector_selector.matchers.matchers}
        apart = apart_s(files, artifact, own.get("job", ""))
        span = inner.range.total_seconds()
        if apart and span < 2 * apart[0]:
            often = "never has" if span <= apart[0] else "at times lacks"
            what = f"{node.func.name} over {span:g}s {often} the two samples that it needs"
            least = f"scrapes are {apart[0]:g}s apart; write [{4 * apart[0]:g}s]"
            found[f"{what}: {least}"] = not apart[1] or often != "never has"
    return found


def _faults(tree: Any) -> Iterator[str]:
    found = dict[str, None]()
    still = asked_for_nothing(tree)
    for node in parts(tree):
        match type(node).__name__:
            case "Call":
                found |= dict.fromkeys(() if id(node) in still else _call(node))
            case "BinaryExpr":
                found |= dict.fromkeys((*unmatched(node), *beside_chosen(node), *doubled(node)))
            case "VectorSelector":
                found |= dict.fromkeys(texts_of_patterns(node))
    yield from found


def _call(node: Any) -> Iterator[str]:
    name, given = node.func.name, node.args
    if name == "histogram_quantile" and len(given) == 2:
        yield from _quantile(*given)
    elif name in INCREASES and given:
        kind = type(inner := bare(given[0])).__name__
        if kind == "SubqueryExpr" and type(bare(inner.expr)).__name__ == "AggregateExpr":
            what = f"{name} of a sum that was made before counts a lost series as a reset"
            yield f"{what}; write sum({name}(...[5m]))"
        if kind == "MatrixSelector":
            series = str(inner.vector_selector.name or "")
            if _GAUGE.fullmatch(series) and not _COUNTER.fullmatch(series):
                what = f"{name} is for counters, and {series} also goes down"
                yield f"{what}, which it takes for a reset; write deriv() or delta()"


def _quantile(share: Any, of: Any) -> Iterator[str]:
    value = getattr(bare(share), "val", None)
    if value is not None and not 0 <= value <= 1:
        yield f"histogram_quantile takes a share from 0 to 1, not {value:g}; divide it by 100"
    inner = bare(of)
    if type(inner).__name__ != "AggregateExpr" or str(inner.op) != "sum":
        return
    names = {one.name for one in parts(inner) if type(one).__name__ == "VectorSelector"}
    if not all(str(name or "").endswith("_bucket") for name in names):
        return  # native histograms have no buckets by label
    kept, others = grouped(inner)
    if (others and "le" in kept) or (not others and "le" not in kept):
        yield "histogram_quantile has no result: its sum drops `le`; write sum by (le, ...)"


def _always(rule: PlacedRule, tree: Any) -> Iterator[str]:
    """Yield alerts by a comparison that gives 0 or 1 for each series, instead of those alone."""
    node = bare(tree)
    modifier = node.modifier if type(node).__name__ == "BinaryExpr" else None
    if "alert" in rule.data and modifier is not None and modifier.return_bool:
        what = f"`{node.op} bool` gives 0 where it is not so, which is a result"
        yield f"{what}: it always fires; remove `bool`"


def _texts(rule: PlacedRule, tree: Any) -> Iterator[str]:
    """Yield labels that texts show, and the expression has dropped."""
    whole = origin(bare(tree))
    if "alert" not in rule.data or type(whole).__name__ != "AggregateExpr":
        return
    kept, others = grouped(whole)
    if others or str(whole.op) in ("topk", "bottomk", "limitk", "limit_ratio", "count_values"):
        return
    shown = shown_labels(rule)
    for label in sorted(shown - kept - set(map(str, rule.labels)) - {"alertname"}):
        yield f"its texts show {label}, which the expression drops; add it to `by`"


GATE = Gate(
    id="OBS025",
    title="Expressions of rules can have a result",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/querying/operators/#vector-matching: "
    "what drops the label that the next function needs is valid, and silent for ever",
    check=check,
    of_files=check,
    scope=counted_in_files("expressions", _rules),
    #: OBS001 and OBS002 hold the expressions of a plan to the metrics that it has.
    targets=(),
    reads="rules in PromQL: what aggregations keep, names of counters and gauges, ranges beside "
    "the scrapes of the Prometheus that loads them. Judges files without a plan only.",
)
