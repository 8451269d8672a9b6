"""Joins in PromQL on fewer labels than those by which the series of one side are told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.check.gates.views.monitoring.promql import bare
from tarmac.check.gates.views.published import published

_SETS = ("and", "or", "unless")


def doubled(node: Any) -> Iterator[str]:
    """Yield the side of a join that has several series for one of the other.

    Args:
        node: an operator between two sides.
    """
    modifier, operator = node.modifier, str(node.op)
    if modifier is None or operator in _SETS or modifier.matching is None:
        return
    if not str(modifier.matching.type).endswith(("On", "Include")):
        return
    on = set(modifier.matching.labels)
    many = str(modifier.card)
    sides = [node.lhs] if many.endswith("OneToMany") else [node.rhs]
    if not many.endswith(("OneToMany", "ManyToOne")):
        sides = [node.lhs, node.rhs]
    for side in map(bare, sides):
        if type(side).__name__ != "VectorSelector":
            continue
        for known in published("told_apart")["metrics"]:
            if re.fullmatch(known["name"], str(side.name)):
                yield from _lacking(side, known, on, operator)


def _lacking(side: Any, known: Any, on: set[str], operator: str) -> Iterator[str]:
    asked = {
        one.name
        for one in side.matchers.matchers
        if not str(one.op).endswith((".NotEqual", "NotRe"))
    }
    # Names of pods are seldom those of another namespace as well.
    left = [one for one in known["by"] if one not in on | asked | {"namespace"}]
    if not left or not on & set(known["by"]):
        return
    what = f"`{operator} on({', '.join(sorted(on))})` finds several series of {side.name} for one"
    label = next((one for one in left if one in known["always"]), left[0])
    often = "always" if label in known["always"] else "where there are several"
    said = f"{what} ({label} differs, {often}), which is refused"
    yield f"{said}; add {label} to on, or sum it away"
