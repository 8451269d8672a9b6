"""Series that expressions read and rules are to record, by the colons in their names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.errors import did_you_mean
from tarmac.base.report import Skip
from tarmac.check.gates.views.monitoring.promql import selected

_COLON = re.compile(r"\b\w+:[\w:]+")


def unrecorded(expr: str, names: set[str]) -> Iterator[str]:
    """Yield series of an expression that no rule records, where others of their level are.

    Args:
        names: what the rules of these files record.
    """
    levels = {name.partition(":")[0] for name in names}
    if not _COLON.search(expr):
        return
    try:
        found = selected(expr)
    except (ValueError, Skip):
        return  # its own gate says so
    for name in dict.fromkeys(selector.name for selector in found):
        level, colon, _ = name.partition(":")
        if colon and name not in names and level in levels:
            yield f"reads {name}, which no rule here records; {did_you_mean(name, names)}"
