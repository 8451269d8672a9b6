"""Labels by which one metric is parted, and series that are held against others without them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.check.gates.views.monitoring.matching import OF_TWO, origin
from tarmac.check.gates.views.monitoring.promql import bare

#: Labels by which one metric is parted, and few others of the same program.
_OF_ONE = {"event", "event_type", "phase", "reason", "condition", "state", "result", "outcome"}
_PART = re.compile(r"_(total|sum|count|bucket|created)$")


def apart(node: Any) -> Iterator[tuple[str, str, str, str]]:
    """Yield series that are held against others without a label that they are chosen by.

    Each is the operator, the label, the name of what has it, and that of the other side.
    """
    modifier, operator = node.modifier, str(node.op)
    is_given = modifier is not None and modifier.matching is not None
    sides = [_series(bare(origin(bare(side)))) for side in (node.lhs, node.rhs)]
    if is_given or operator not in ("and", "unless") or None in sides:
        return
    names = [str(side.name or "") for side in sides]
    if not all(names) or any(":" in one for one in names) or len({*map(_stem, names)}) < 2:
        return
    asked = [{one.name: one for one in side.matchers.matchers} for side in sides]
    for own, other in ((0, 1), (1, 0)):
        for label in sorted((asked[own].keys() - asked[other].keys()) & _OF_ONE):
            is_there = str(asked[own][label].op).endswith((".Equal", ".Re"))
            if is_there and asked[own][label].value not in ("", ".*"):
                yield operator, label, names[own], names[other]


def _series(node: Any) -> Any:
    """Find the series of a side; None where it is of several, or not as they are scraped."""
    is_call = type(node).__name__ == "Call"
    if (
        is_call
        and node.args
        and (node.func.name in OF_TWO or node.func.name.endswith("_over_time"))
    ):
        node = bare(node.args[-1])
    if type(node).__name__ == "MatrixSelector":
        node = node.vector_selector
    return node if type(node).__name__ == "VectorSelector" else None


def _stem(name: str) -> str:
    return _PART.sub("", name)
