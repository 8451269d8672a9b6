"""Which series of two sides of an operator in PromQL match: by the labels that each side keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.check.gates.views.monitoring.promql import bare, parts
from tarmac.check.gates.views.published import published

#: What a counter's increase is computed by.
INCREASES = ("rate", "irate", "increase")
#: What has a result of two samples only.
OF_TWO = (*INCREASES, "delta", "idelta", "deriv", "predict_linear")
#: Aggregations whose result has no labels but those that they keep.
SUMS = ("sum", "avg", "min", "max", "count")
_SET = ("and", "or", "unless")
#: What each series that is scraped has.
SCRAPED = {"instance", "job"}


def unmatched(node: Any) -> Iterator[str]:
    """Yield why no series of the two sides match, or each only itself."""
    modifier, operator = node.modifier, str(node.op)
    if modifier is not None and (modifier.matching is not None or modifier.group_labels):
        return
    if operator == "or":
        return
    sides = [origin(bare(side)) for side in (node.lhs, node.rhs)]
    groups = [side for side in sides if type(side).__name__ == "AggregateExpr"]
    if not groups:
        yield from _of_two_programs(operator, *map(_scraped, sides))
    if len(groups) == 1:
        yield from _beside_series(operator, *groups, *(one for one in sides if one not in groups))
    if len(groups) < 2:
        return
    (left, left_others), (right, right_others) = map(grouped, groups)
    if operator == "/" and left == right and not left_others:
        yield from _by_itself(groups, left)
    if left_others or right_others or left == right:
        return
    less, more = sorted((left, right), key=len)
    differ = ", ".join(sorted(less ^ more))
    how = f"on({', '.join(sorted(less & more))})"
    many = "" if operator in _SET else " and group_left() or group_right()"
    what = f"`{operator}` compares sums with other labels ({differ}), so none match"
    yield f"{what}; write {how}{many}"


def _beside_series(operator: str, group: Any, series: Any) -> Iterator[str]:
    """Yield sums beside series as they are scraped, which have an instance and a job."""
    series = _scraped(series)
    kept, others = grouped(group)
    is_sum = str(group.op) in SUMS
    if series is not None and is_sum and not others and not kept >= SCRAPED:
        lost = ", ".join(sorted(SCRAPED - kept))
        what = f"`{operator}` compares a sum without {lost} with {series.name}, which has them"
        how = f"on({', '.join(sorted(kept))})"
        many = "" if operator in _SET else " and group_left() or group_right()"
        yield f"{what}, so none match; write {how}{many}"


def _scraped(series: Any) -> Any:
    """Return the series of a side as they are scraped; None where it is of others."""
    if type(series).__name__ == "Call" and series.func.name in OF_TWO and series.args:
        series = getattr(bare(series.args[0]), "vector_selector", None)
    is_scraped = type(series).__name__ == "VectorSelector" and ":" not in str(series.name)
    return series if is_scraped else None


def _of_two_programs(operator: str, left: Any, right: Any) -> Iterator[str]:
    """Yield series of two programs, whose instance and job are those of each."""
    if left is None or right is None:
        return
    programs = [_program(str(side.name or "")) for side in (left, right)]
    if "" in programs or programs[0] == programs[1]:
        return
    what = f"`{operator}` holds {left.name} of {programs[0]} against {right.name} of {programs[1]}"
    yield f"{what}, and each has an instance and a job of its own, so none match; write on(...)"


def _program(name: str) -> str:
    """Tell which exporter a metric is of; empty: not known."""
    known = published("exporters")["metrics"]
    return next((str(one["of"]) for one in known if re.fullmatch(one["name"], name)), "")


def _by_itself(groups: list[Any], kept: set[str]) -> Iterator[str]:
    """Yield shares of one label's values, each of which is divided by itself."""
    found = [
        [one for one in parts(group) if type(one).__name__ == "VectorSelector"] for group in groups
    ]
    if [len(one) for one in found] != [1, 1] or found[0][0].name != found[1][0].name:
        return
    chosen, all_of = ({one.name for one in side[0].matchers.matchers} for side in found)
    if labels := sorted(kept & chosen - all_of):
        what = f"both sides of `/` keep {labels[0]}, so each value of it is divided by itself"
        yield f"{what}: the share is always 1; leave it out of both `by`"


def origin(node: Any) -> Any:
    """Return what gives a side its labels: arithmetic with a number keeps them."""
    while type(node).__name__ == "BinaryExpr":
        numbers = [type(bare(side)).__name__ == "NumberLiteral" for side in (node.lhs, node.rhs)]
        if numbers == [False, True]:
            node = bare(node.lhs)
        elif numbers == [True, False]:
            node = bare(node.rhs)
        else:
            break
    return node


def grouped(node: Any) -> tuple[set[str], bool]:
    """Return the labels that an aggregation keeps; or drops, where it says `without`."""
    modifier = node.modifier
    labels = set(modifier.labels) if modifier is not None else set()
    return labels, modifier is not None and str(modifier.type).endswith("Without")
