"""Labels of an alert that its texts show."""

from __future__ import annotations

import re

from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule

_OWN = re.compile(r"\$labels\.(\w+)|index \$labels \"(\w+)\"")
#: What may be of the alert, or of what a query in the text finds.
_NEAR = re.compile(r"\.Labels\.(\w+)")
_QUERY = re.compile(r"\bquery\s+(\(|[\"`])|\brange\b")


def shown_labels(rule: PlacedRule) -> set[str]:
    """List the labels that the annotations of an alert show of it."""
    notes = " ".join(map(str, (rule.data.get("annotations") or {}).values()))
    shown = {one or other for one, other in _OWN.findall(notes)}
    return shown if _QUERY.search(notes) else shown | set(_NEAR.findall(notes))
