"""Alerts of the rules that are among the files, as Alertmanager's matchers see them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.matchers import AlertMatcher
from tarmac.check.gates.views.monitoring.rule_groups import placed_groups

#: An expression that has a result at all times.
_CONSTANT = re.compile(r"\(?\s*vector\(\s*[\d.]+\s*\)\s*\)?|[\d.]+")


class KnownAlert(NamedTuple):
    """An alert, with the labels that its rule gives it."""

    name: str
    labels: Mapping[str, str]
    is_constant: bool
    where: str

    @property
    def said(self) -> str:
        """Its severity, for a reader."""
        return f"severity {self.labels.get('severity')}"

    def is_taken(self, asked: AlertMatcher) -> bool:
        """Tell whether a matcher takes it, as far as its rule's labels tell."""
        own = self.labels.get(asked.label)
        return own is not None and "{{" not in own and _holds(asked, own)

    def may_be_taken(self, asked: tuple[AlertMatcher, ...]) -> bool:
        """Tell whether all of some matchers take it, where its series have the other labels."""
        known = [one for one in asked if "{{" not in self.labels.get(one.label, "{{")]
        return all(_holds(one, self.labels[one.label]) for one in known)


def known_alerts(files: Files) -> list[KnownAlert]:
    """List the alerts of all rules."""
    found = []
    for group in placed_groups(files):
        for rule in group:
            if rule.data.get("alert") and rule.expr:
                labels = {str(key): str(value) for key, value in rule.labels.items()}
                labels["alertname"] = rule.name
                is_constant = _CONSTANT.fullmatch(rule.expr.strip()) is not None
                where = rule.artifact.at(*rule.path)
                found.append(KnownAlert(rule.name, labels, is_constant, where))
    return found


def _holds(asked: AlertMatcher, own: str) -> bool:
    if "~" not in asked.sign:
        return (own == asked.value) is (asked.sign == "=")
    try:
        return (re.fullmatch(asked.value, own) is not None) is (asked.sign == "=~")
    except re.error:
        return True
