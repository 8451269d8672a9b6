"""Between which numbers the result of an expression in PromQL is, as far as it tells itself."""

from __future__ import annotations

import math
import re
from typing import Any

from tarmac.check.gates.views.monitoring.promql import bare

Bounds = tuple[float, float]
ANY: Bounds = (-math.inf, math.inf)
_POSITIVE: Bounds = (0, math.inf)
_SWITCH: Bounds = (0, 1)
#: What a function's result is, whatever it is given.
_CALLS: dict[str, Bounds] = {
    "absent": (1, 1), "absent_over_time": (1, 1), "present_over_time": (1, 1),
    "count_over_time": (1, math.inf), "changes": _POSITIVE, "resets": _POSITIVE,
    "rate": _POSITIVE, "irate": _POSITIVE, "increase": _POSITIVE, "abs": _POSITIVE,
    "time": _POSITIVE, "timestamp": _POSITIVE, "stddev_over_time": _POSITIVE, "sqrt": _POSITIVE,
}  # fmt: skip
#: What keeps the bounds of what it is given.
_KEPT = (
    "vector", "scalar", "avg_over_time", "min_over_time", "max_over_time", "last_over_time",
    "quantile_over_time", "sort", "sort_desc", "label_replace", "label_join",
)  # fmt: skip
#: Series that are 0 or 1.
_SWITCHES = re.compile(
    r"up|probe_success|\w+_up|kube_pod_status_(ready|phase|scheduled)|kube_node_status_condition"
    r"|kube_node_spec_unschedulable|kube_job_(complete|failed)"
)
_COUNTED = re.compile(r".*_(total|bucket|count|bytes|seconds_sum)")
_GROUPS: dict[str, Bounds] = {
    "count": (1, math.inf), "count_values": (1, math.inf), "group": (1, 1),
    "stddev": _POSITIVE, "stdvar": _POSITIVE,
}  # fmt: skip
#: Each comparison, and the same with its sides exchanged.
_MIRRORED = {"==": "==", "!=": "!=", ">": "<", "<": ">", ">=": "<=", "<=": ">="}
#: Aggregations that are within the bounds of their parts.
_WITHIN = ("min", "max", "avg", "topk", "bottomk", "quantile", "limitk")


def bounds(node: Any) -> Bounds:
    """Return the least and the largest number that an expression's results can be."""
    node = bare(node)
    match type(node).__name__:
        case "NumberLiteral":
            return node.val, node.val
        case "VectorSelector":
            return _of_series(str(node.name or ""))
        case "MatrixSelector" | "SubqueryExpr":
            return bounds(getattr(node, "vector_selector", None) or node.expr)
        case "UnaryExpr":
            low, high = bounds(node.expr)
            return -high, -low
        case "Call":
            return _of_call(node)
        case "AggregateExpr":
            return _of_group(str(node.op), bounds(node.expr))
        case "BinaryExpr":
            return _of_two(node)
    return ANY


def _of_series(name: str) -> Bounds:
    if _SWITCHES.fullmatch(name):
        return _SWITCH
    return _POSITIVE if _COUNTED.fullmatch(name) else ANY


def _of_call(node: Any) -> Bounds:
    name = node.func.name
    if name in _KEPT and node.args:
        return bounds(node.args[name == "quantile_over_time"])
    return _CALLS.get(name, ANY)


def _of_group(operator: str, inner: Bounds) -> Bounds:
    if operator in _GROUPS:
        return _GROUPS[operator]
    if operator == "sum":
        return (inner[0] if inner[0] >= 0 else -math.inf), (0 if inner[1] <= 0 else math.inf)
    return inner if operator in _WITHIN else ANY


def _of_two(node: Any) -> Bounds:
    operator, left, right = str(node.op), bounds(node.lhs), bounds(node.rhs)
    if operator == "or":
        return min(left[0], right[0]), max(left[1], right[1])
    if operator in ("and", "unless"):
        return left
    if operator in _MIRRORED:
        is_bool = node.modifier is not None and node.modifier.return_bool
        if type(bare(node.lhs)).__name__ == "NumberLiteral":  # the series' own numbers are left
            left, right, operator = right, left, _MIRRORED[operator]
        return _SWITCH if is_bool else _filtered(operator, left, right)
    if operator == "+":
        return left[0] + right[0], left[1] + right[1]
    if operator == "-":
        return left[0] - right[1], left[1] - right[0]
    if left[0] >= 0 and right[0] >= 0 and operator in ("*", "/"):
        if operator == "*" and math.inf not in (left[1], right[1]):
            return left[0] * right[0], left[1] * right[1]
        return _POSITIVE
    return ANY


def _filtered(operator: str, left: Bounds, right: Bounds) -> Bounds:
    if operator == "==":
        return max(left[0], right[0]), min(left[1], right[1])
    if operator in (">", ">="):
        return max(left[0], right[0]), left[1]
    if operator in ("<", "<="):
        return left[0], min(left[1], right[1])
    return left


def is_absent(node: Any) -> bool:
    """Tell whether a part of an expression asks whether something is not there."""
    return type(node).__name__ == "Call" and node.func.name in ("absent", "absent_over_time")
