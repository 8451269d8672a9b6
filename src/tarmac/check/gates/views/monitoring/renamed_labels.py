"""Labels that rules ask for by the name that they had once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.matching import grouped
from tarmac.check.gates.views.monitoring.promql import parts
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published

_RELABELS = re.compile(r"target_?[lL]abel\W+(pod_name|container_name)\b")


def renamed_labels(files: Files, expr: str, tree: Any) -> Iterator[str]:
    """Yield the old labels in an expression, and what they are called now.

    Args:
        tree: the expression, parsed.
    """
    for known in published("renamed_labels")["labels"]:
        is_used = any(old in expr for old in known["renamed"]) and "label_replace" not in expr
        if is_used and not _made(files):
            yield from _in(tree, known)


@once
def _made(files: Files) -> Iterator[str]:
    """Yield what gives series their old labels again."""
    for artifact in files.artifacts:
        yield from _RELABELS.findall(str(artifact.content))


def _in(tree: Any, known: Any) -> Iterator[str]:
    """Yield each old label once: where it selects before where it is kept."""
    told = set[str]()
    by_kind = sorted(parts(tree), key=lambda node: type(node).__name__ != "VectorSelector")
    for node in by_kind:
        used = _used(node)
        old_ones = sorted((used & known["renamed"].keys()) - told)
        names = {str(one.name) for one in parts(node) if type(one).__name__ == "VectorSelector"}
        if not old_ones or not all(re.fullmatch(known["metrics"], name) for name in names):
            continue
        for old in old_ones:
            if (new := known["renamed"][old]) not in used:
                told.add(old)
                what = f"{min(names)} has no label {old} since {known['since']}, so"
                is_sum = type(node).__name__ == "AggregateExpr"
                yield f"{what} {'all is one series' if is_sum else 'it finds nothing'}; write {new}"


def _used(node: Any) -> set[str]:
    """List the labels that a part keeps, or wants of its series."""
    kind = type(node).__name__
    if kind == "VectorSelector":
        return {one.name for one in node.matchers.matchers if _is_wanted(one)}
    kept, others = grouped(node) if kind == "AggregateExpr" else (set[str](), False)
    return set() if others else kept


def _is_wanted(matcher: Any) -> bool:
    """Tell whether no series without its label is taken."""
    return ("Not" in str(matcher.op).rpartition(".")[2]) is not bool(matcher.value)
