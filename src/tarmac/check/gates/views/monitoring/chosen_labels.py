"""Labels by which series are chosen, beside sums that lost them; and comparisons with nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.check.gates.views.monitoring.matching import SCRAPED, SUMS, grouped, origin
from tarmac.check.gates.views.monitoring.promql import bare, parts

#: A pattern that no value of a label is.
_PATTERN = re.compile(r"\.[*+]|^\^|\$$|\w\|\w")
_OF_RANGE = re.compile(r"rate|irate|increase|i?delta|deriv|(?!absent)\w+_over_time")


def beside_chosen(node: Any) -> Iterator[str]:
    """Yield sums beside series that are chosen by a label which the sum has lost."""
    modifier, operator = node.modifier, str(node.op)
    if modifier is not None and (modifier.matching is not None or modifier.group_labels):
        return
    left, right = (_ranged(origin(bare(side))) for side in (node.lhs, node.rhs))
    for group, series in ((left, right), (right, left)) if operator != "or" else ():
        pair = (type(group).__name__, type(series).__name__)
        if pair != ("AggregateExpr", "VectorSelector") or str(group.op) not in SUMS:
            continue
        kept, others = grouped(group)
        asked = series.matchers.matchers
        chosen = {one.name for one in asked if str(one.op).endswith(".Equal") and one.value}
        lost = sorted(chosen - kept - {"__name__"})
        # Of a sum without instance and job, `unmatched` says it.
        if lost and not others and kept >= SCRAPED:
            labels = ", ".join(lost)
            what = f"`{operator}` compares a sum without {labels} with {series.name}, of which that"
            yield f"{what} is asked, so none match; write on({', '.join(sorted(kept))})"


def _ranged(node: Any) -> Any:
    """Return what a function of a range reads: it keeps the labels of that."""
    while type(node).__name__ == "Call" and node.args and _OF_RANGE.fullmatch(node.func.name):
        inner = bare(node.args[-1])
        node = bare(getattr(inner, "vector_selector", None) or getattr(inner, "expr", inner))
    return node


def texts_of_patterns(series: Any) -> Iterator[str]:
    """Yield patterns that are compared as texts, so that no label is one."""
    for one in series.matchers.matchers:
        sign = "=" if str(one.op).endswith(".Equal") else "!="
        if str(one.op).endswith((".Equal", ".NotEqual")) and _PATTERN.search(one.value):
            what = f'{one.name}{sign}"{one.value}" compares a pattern as it stands, and no value is'
            yield f"{what} that; write {'=~' if sign == '=' else '!~'}"


def asked_for_nothing(tree: Any) -> set[int]:
    """List the calls that are compared with 0, `increase(...) == 0`, by their identity.

    Whether anything changed at all, a reset tells as well.
    """
    found = set()
    for node in parts(tree):
        if type(node).__name__ == "BinaryExpr" and str(node.op) == "==":
            sides = [bare(side) for side in (node.lhs, node.rhs)]
            if any(getattr(side, "val", None) == 0 for side in sides):
                found |= {id(side) for side in sides}
    return found
