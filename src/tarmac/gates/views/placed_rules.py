"""Rules of Prometheus with the places where they stand, group by group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.artifact import Artifact
from tarmac.gates.subject import Files
from tarmac.gates.views.reading import Fields, Path, fields, items
from tarmac.gates.views.rule_groups import rule_files


class PlacedRule(NamedTuple):
    """A rule, and where it is."""

    artifact: Artifact
    path: Path
    data: Fields

    @property
    def name(self) -> str:
        """What it fires or records."""
        return str(self.data.get("alert") or self.data.get("record") or "")

    @property
    def expr(self) -> str:
        """What it asks."""
        return str(self.data.get("expr") or "")

    @property
    def labels(self) -> Fields:
        """What it adds to its result."""
        return fields(self.data, "labels")


def placed_groups(files: Files) -> Iterator[Iterator[PlacedRule]]:
    """Yield the rules of each group."""
    for artifact, path in rule_files(files):
        for number, group in enumerate(items(artifact.data, *path)):
            here = (*path, number, "rules")
            yield (
                PlacedRule(artifact, (*here, place), fields(rule))
                for place, rule in enumerate(items(group, "rules"))
            )


def alerts_of(rules: list[PlacedRule]) -> list[PlacedRule]:
    """List the rules that fire."""
    return [rule for rule in rules if "alert" in rule.data]


def records_of(rules: list[PlacedRule]) -> list[PlacedRule]:
    """List the rules that record."""
    return [rule for rule in rules if "record" in rule.data]
