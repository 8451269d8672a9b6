"""Severities of alerts, by which routes choose their receivers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from tarmac.base.foreign.reading import Fields, fields, items

SEVERITIES = ("critical", "warning", "info", "error", "page", "ticket", "none")
_NEAR = 0.7
#: So many alerts of one file are written alike on purpose: what reads them has it so.
_SEVERAL = 2


def severity_of(rule: Fields) -> str:
    """Read the severity of an alert; "" without one."""
    return str(fields(rule, "labels").get("severity") or "")


def almost(severity: str) -> str:
    """Name the severity that another one is almost; "" where it is one, or like none."""
    near = get_close_matches(severity, SEVERITIES, 1, _NEAR)
    # A short form is meant.
    return "" if severity in SEVERITIES or not near or near[0].startswith(severity) else near[0]


def usual(groups: Iterable[Any]) -> set[str]:
    """List those that several alerts of a file write with a capital, and none without it."""
    rules = (fields(rule) for group in groups for rule in items(group, "rules"))
    found = Counter(severity for rule in rules if (severity := severity_of(rule)))
    return {
        one
        for one, number in found.items()
        if one[0].isupper() and number >= _SEVERAL and one.lower() not in found
    }
