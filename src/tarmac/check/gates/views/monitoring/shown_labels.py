"""Labels of an alert that its texts show, and those that show its value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule

_OWN = re.compile(r"\$labels\.(\w+)|index \$labels \"(\w+)\"")
#: What may be of the alert, or of what a query in the text finds.
_NEAR = re.compile(r"\.Labels\.(\w+)")
_QUERY = re.compile(r"\bquery\s+(\(|[\"`])|\brange\b")

#: What a text prints of the value: not what it only decides by, nor what a query in it finds.
_SHOWN = re.compile(
    r"\{\{-?(?!\s*(?:if\b|else\b|with\b|\$\w+\s*:?=))[^}]*(\$value\b|(?<!\w)\.Value\b)[^}]*\}\}"
)
_FOUND = re.compile(r"\bquery\b|\brange\b|\bwith\b")


def shown_labels(rule: PlacedRule) -> set[str]:
    """List the labels that the annotations of an alert show of it."""
    notes = " ".join(map(str, (rule.data.get("annotations") or {}).values()))
    shown = {one or other for one, other in _OWN.findall(notes)}
    return shown if _QUERY.search(notes) else shown | set(_NEAR.findall(notes))


def labels_of_value(rule: PlacedRule) -> Iterator[str]:
    """Yield the labels of an alert that print the value of its expression."""
    for key, value in rule.labels.items():
        if _SHOWN.search(str(value)) and not _FOUND.search(str(value)):
            yield str(key)
