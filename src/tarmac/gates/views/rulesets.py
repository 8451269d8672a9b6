"""Rulesets of GitHub: what must be so before a change is merged."""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.gates.subject import Files
from tarmac.gates.views.json_files import data_of
from tarmac.gates.views.reading import Fields, fields, items


class Ruleset:
    """The rules for a branch."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def kinds(self) -> frozenset[str]:
        """The types of its rules."""
        return frozenset(str(rule.get("type")) for rule in items(self.data, "rules"))

    @property
    def checks(self) -> list[str]:
        """The checks that must have passed."""
        rules = {str(rule.get("type")): rule for rule in items(self.data, "rules")}
        parameters = fields(rules.get("required_status_checks"), "parameters")
        checks = items(parameters, "required_status_checks")
        return [str(check.get("context")) for check in checks]


def ruleset(files: Files, path: str) -> Ruleset | None:
    """Read a ruleset; None where the file is no object of JSON."""
    data = data_of(files, path)
    return Ruleset(data) if isinstance(data, Mapping) else None
