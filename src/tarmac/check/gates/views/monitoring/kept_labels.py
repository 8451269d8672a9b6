"""Which labels the result of an expression in PromQL has, as far as it tells itself."""

from __future__ import annotations

from typing import Any

from tarmac.check.gates.views.monitoring.promql import bare

Labels = frozenset[str]
_COMPARED = ("==", "!=", ">", "<", ">=", "<=")
#: Functions whose result is a number, whatever they are given.
_NUMBERS = ("scalar", "time", "pi")
#: Aggregations whose results are some of the series that they are given.
_CHOSEN = ("topk", "bottomk", "limitk", "limit_ratio")


def labels(node: Any) -> Labels | None:
    """List the labels of an expression's results; None: those of its series, or not known."""
    node = bare(node)
    match type(node).__name__:
        case "AggregateExpr":
            return _of_group(node)
        case "Call":
            return _of_call(node)
        case "BinaryExpr":
            return _of_two(node)
    return None


def _of_group(node: Any) -> Labels | None:
    operator, modifier = str(node.op), node.modifier
    if operator in _CHOSEN:
        return labels(node.expr)
    if operator == "count_values" or (
        modifier is not None and str(modifier.type).endswith("Without")
    ):
        return None
    return frozenset(modifier.labels if modifier is not None else ())


def _of_call(node: Any) -> Labels | None:
    name, given = node.func.name, node.args
    if name == "vector":
        return frozenset()
    if name in ("absent", "absent_over_time"):
        inner = bare(given[0])
        inner = inner.vector_selector if type(inner).__name__ == "MatrixSelector" else inner
        if type(inner).__name__ != "VectorSelector":
            return frozenset()
        asked = inner.matchers.matchers
        return frozenset(one.name for one in asked if str(one.op).endswith(".Equal"))
    if name in ("label_replace", "label_join") or not given:
        return None
    of = given[1] if name in ("histogram_quantile", "quantile_over_time") else given[0]
    return labels(of)


def _of_two(node: Any) -> Labels | None:
    left, right = labels(node.lhs), labels(node.rhs)
    operator, modifier = str(node.op), node.modifier
    if is_number(node.rhs) or operator in ("and", "unless"):
        return left
    if is_number(node.lhs):
        return right
    if operator == "or":
        return None if left is None or right is None else left | right
    card = str(modifier.card).rpartition(".")[2] if modifier is not None else "OneToOne"
    added = frozenset(modifier.group_labels or ()) if modifier is not None else frozenset()
    if card == "ManyToOne":
        return None if left is None else left | added
    if card == "OneToMany":
        return None if right is None else right | added
    matching = modifier.matching if modifier is not None else None
    if matching is None:
        return left
    if str(matching.type).endswith("Include"):
        return frozenset(matching.labels)
    return None if left is None else left - frozenset(matching.labels)


def is_number(node: Any) -> bool:
    """Tell whether a side of an operator is a number, which has no labels."""
    node = bare(node)
    match type(node).__name__:
        case "NumberLiteral":
            return True
        case "UnaryExpr":
            return is_number(node.expr)
        case "BinaryExpr":
            return is_number(node.lhs) and is_number(node.rhs)
        case "Call":
            return node.func.name in _NUMBERS
    return False


def joined(node: Any) -> tuple[Any, Any] | None:
    """Find the series whose labels a result has, and what they are only held against by `on`."""
    node = bare(node)
    while type(node).__name__ == "BinaryExpr" and str(node.op) in _COMPARED:
        if not is_number(node.rhs):
            break
        node = bare(node.lhs)
    if type(node).__name__ != "BinaryExpr" or node.modifier is None:
        return None
    matching, card = node.modifier.matching, str(node.modifier.card).rpartition(".")[2]
    if matching is None or not str(matching.type).endswith("Include"):
        return None
    is_set = str(node.op) in ("and", "unless")
    if is_set or card == "ManyToOne":
        return node.lhs, node
    return (node.rhs, node) if card == "OneToMany" else None
