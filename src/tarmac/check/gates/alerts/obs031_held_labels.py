"""Alerts last long enough to be held, and ask for labels and values that their series have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.base.report import Finding
from tarmac.base.written import seconds
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.kept_labels import labels
from tarmac.check.gates.views.monitoring.outer_labels import OUTER
from tarmac.check.gates.views.monitoring.promql import (
    Matcher,
    SeriesSelector,
    bare,
    is_of_logs,
    selected,
)
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, parsed, placed_groups
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_CHANGES = ("increase", "changes", "resets")
#: Counters of what happens once, and not again and again.
_ONCE = re.compile(r"backup|snapshot|dump|restore|nightly|daily|weekly|cron|failover")
#: Labels with a code of HTTP, and series of it.
_CODE = re.compile(r"(http_)?(response_|status_)?code|(http_)?status|http_response_status_code")
_HTTP = re.compile(r"http|nginx|gateway|traefik|envoy|ingress|request", re.IGNORECASE)
#: A pattern of the first one or two figures of codes.
_BEGINNING = re.compile(r"[\^$()|\[\]1-5.0\dx-]+")
_CODES = tuple(map(str, range(100, 600)))
_TIMES = re.compile(r"(\d+(ms|[smhdwy]))+")
Recorded = Mapping[str, frozenset[str] | None]


def check(files: Files) -> Iterator[Finding]:
    """Yield alerts and records that have no result, or none for long enough."""
    rules = list(_rules(files))
    recorded = _recorded(rules)
    for rule in rules:
        if (tree := parsed(rule)) is None:
            continue
        where = rule.artifact.at(*rule.path, "expr")
        asked = selected(rule.expr)
        for what in dict.fromkeys((*_dropped(recorded, asked), *_beginnings(asked))):
            yield Finding(where, f"{rule.name}: {what}")
        for what in _short(rule, tree):
            at = rule.artifact.at(*rule.path, "for")
            yield Finding(at, f"{rule.name}: {what}", warning=True)


@once
def _rules(files: Files) -> Iterator[PlacedRule]:
    for group in placed_groups(files):
        yield from (rule for rule in group if rule.expr and not is_of_logs(rule.expr))


def _recorded(rules: list[PlacedRule]) -> Recorded:
    """List the labels of recorded series, where their rules tell them all."""
    found: dict[str, frozenset[str] | None] = {}
    for rule in rules:
        name = str(rule.data.get("record") or "")
        if ":" not in name:
            continue
        tree = parsed(rule)
        own = labels(tree) if tree is not None else None
        given = None if own is None else own | frozenset(map(str, rule.labels))
        if name in found:
            before = found[name]
            given = None if before is None or given is None else before | given
        found[name] = given
    return found


def _dropped(recorded: Recorded, asked: Iterable[SeriesSelector]) -> Iterator[str]:
    """Yield labels of recorded series that are asked for, and that their rule drops."""
    for series in asked:
        kept = recorded.get(series.name)
        if kept is None:
            continue
        for one in series.matchers:
            if one.label not in kept | OUTER and not _takes_none(one):
                has = ", ".join(sorted(kept)) or "none"
                what = f"asks {series.name} for {one.label}, which its rule drops (it keeps {has}):"
                yield f"{what} no result; add it to `by` there"


def _takes_none(one: Matcher) -> bool:
    """Tell whether a matcher takes series without its label."""
    try:
        return one.holds("")
    except re.error:
        return True


def _beginnings(asked: Iterable[SeriesSelector]) -> Iterator[str]:
    """Yield patterns of the beginning of a code, which must be all of it."""
    for series in asked:
        for one in series.matchers:
            is_code = "~" in one.sign and _CODE.fullmatch(one.label)
            is_http = _HTTP.search(f"{series.name} {one.label}") and "grpc" not in series.name
            if not is_code or not is_http:
                continue
            if _BEGINNING.fullmatch(one.value) and _is_beginning(one.value):
                ends = "matches no code" if one.sign == "=~" else "leaves no code out"
                what = f'{one.label}{one.sign}"{one.value}" is compared with the whole code, so it'
                yield f"{what} {ends}; write what follows, too: 5.."


def _is_beginning(pattern: str) -> bool:
    """Tell whether a pattern matches no code of HTTP, and what follows it would."""
    try:
        whole = re.compile(pattern)
        begun = re.compile(f"(?:{pattern.removesuffix('$')})\\d+")
    except re.error:
        return False
    is_whole = any(whole.fullmatch(code) for code in _CODES)
    return not is_whole and any(begun.fullmatch(code) for code in _CODES)


def _short(rule: PlacedRule, tree: Any) -> Iterator[str]:
    """Yield single events that are over before an alert has been held."""
    held = str(rule.data.get("for") or "")
    node = bare(tree)
    if not rule.data.get("alert") or not _TIMES.fullmatch(held) or "ms" in held:
        return
    if type(node).__name__ != "BinaryExpr" or str(node.op) not in (">", ">="):
        return
    least = getattr(bare(node.rhs), "val", None)
    if least not in (0, 1) or (least == 1 and str(node.op) == ">"):
        return
    call = bare(node.lhs)
    while type(call).__name__ == "AggregateExpr":
        call = bare(call.expr)
    if type(call).__name__ != "Call" or call.func.name not in _CHANGES or not call.args:
        return
    inner = bare(call.args[0])
    name = str(inner.vector_selector.name or "") if type(inner).__name__ == "MatrixSelector" else ""
    if name and _ONCE.search(name) and inner.range.total_seconds() <= seconds(held):
        span = f"{inner.range.total_seconds():g}s"
        what = f"one step of {name} is seen for {span}, and has to hold for {held}: a single event"
        yield f"{what} never fires; look back further than `for`, or leave that out"


GATE = Gate(
    id="OBS031",
    title="Alerts last as long as they are held, and ask for labels that series have",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/querying/basics: patterns are of the whole"
    " value; https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules: an alert is"
    " held for as long as its expression has a result",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("expressions", _rules),
    #: OBS001 and OBS002 hold the expressions of a plan to the metrics that it has.
    targets=(),
    reads="labels that recording rules keep, patterns of codes of HTTP, and `for` beside ranges of "
    "what happens once. Labels that a Prometheus adds for others are not counted. Judges files "
    "without a plan only.",
)
