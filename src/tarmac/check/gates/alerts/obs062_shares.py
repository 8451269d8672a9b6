"""A share is compared with a number between 0 and 1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.kept_labels import is_number
from tarmac.check.gates.views.monitoring.promql import bare, is_of_logs, parts
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, parsed, placed_groups
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: What is a part, and what it is a part of, by the words of their names.
_PART = re.compile(
    r".*_(used|usage|working_set|rss|free|avail|available|allocated|open_fds|files_free|MemFree"
    r"|MemAvailable|SwapFree|threads_connected|acquired)(_bytes|_count)?"
)
_WHOLE = re.compile(
    r".*_(limit|size|total|capacity|max|max_fds|maximum|files|MemTotal|SwapTotal|max_connections"
    r"|limits)(_bytes)?"
)
_SIGNS = {">": ">", ">=": ">", "<": "<", "<=": "<"}
_PERCENT = 100


def check(files: Files) -> Iterator[Finding]:
    """Yield alerts whose number is of another scale than what it is compared with."""
    for rule in _alerts(files):
        tree = parsed(rule)
        for node in parts(tree) if tree is not None else ():
            sign = _SIGNS.get(str(getattr(node, "op", "")))
            if type(node).__name__ != "BinaryExpr" or not sign or not is_number(node.rhs):
                continue
            bound = _value(node.rhs)
            where = rule.artifact.at(*rule.path, "expr")
            if 1 < bound <= _PERCENT and _is_part(node.lhs):
                what = f"{rule.name}: compares a share, which is 0 to 1, with {bound:g}: that is"
                end = "never so" if sign == ">" else "always so"
                advice = f"write {bound / _PERCENT:g}, or multiply the share by 100"
                is_part = sign == "<" and node is not bare(tree)
                yield Finding(where, f"{what} {end}; {advice}", warning=is_part)


def _value(node: Any) -> float:
    inner = bare(node)
    return float(inner.val) if type(inner).__name__ == "NumberLiteral" else 0.0


def _is_part(node: Any) -> bool:
    """Tell whether an expression is a part of a whole, by their division."""
    inner = bare(node)
    while type(inner).__name__ == "AggregateExpr" and str(inner.op) in ("max", "min", "avg"):
        inner = bare(inner.expr)
    return _is_share(inner)


def _is_share(node: Any) -> bool:
    if type(node).__name__ != "BinaryExpr" or str(node.op) != "/":
        return False
    part, whole = _selected(node.lhs), _selected(node.rhs)
    if part is None or whole is None:
        return False
    if part[0] == whole[0] and part[1] == whole[1]:
        return bool(part[2] > whole[2])
    is_plain = not {"rate", "increase", "irate", "count"} & {*part[1], *whole[1]}
    is_pair = _PART.fullmatch(part[0]) and _WHOLE.fullmatch(whole[0])
    return bool(is_plain and is_pair)


def _selected(node: Any) -> tuple[str, tuple[str, ...], frozenset[str]] | None:
    """Return the one series of an expression: its name, what is done to it, and its matchers."""
    found = [one for one in parts(node) if type(one).__name__ == "VectorSelector"]
    names = [type(one).__name__ for one in parts(node)]
    if len(found) != 1 or "BinaryExpr" in names or "SubqueryExpr" in names:
        return None
    done = [
        str(one.op) if type(one).__name__ == "AggregateExpr" else one.func.name
        for one in parts(node)
        if type(one).__name__ in ("AggregateExpr", "Call")
    ]
    matchers = frozenset(f"{m.name}{m.op}{m.value}" for m in found[0].matchers.matchers)
    return str(found[0].name or ""), tuple(sorted(done)), matchers


@once
def _alerts(files: Files) -> Iterator[PlacedRule]:
    for group in placed_groups(files):
        yield from (one for one in group if one.data.get("alert") and not is_of_logs(one.expr))


GATE = Gate(
    id="OBS062",
    title="A share is compared with a number of its own scale",
    phase="observability",
    source="https://prometheus.io/docs/practices/naming: ratios are 0 to 1, not 0 to 100",
    check=check,
    of_files=check,
    scope=counted_in_files("alerts", _alerts),
    targets=("cluster", "compose"),
    reads="comparisons with a number in alerts: of one series divided by the same with fewer "
    "matchers, and of what is used or free divided by its size, limit or capacity.",
)
