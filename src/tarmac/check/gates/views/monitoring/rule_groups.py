"""Groups of Prometheus rules of any origin: in objects and in plain files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, mappings
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.promql import syntax
from tarmac.check.gates.views.once import once


@once
def rule_files(files: Files) -> Iterator[tuple[Artifact, Path]]:
    """Yield what holds groups of rules, and where in it they are."""
    for artifact in files.objects("PrometheusRule", "VMRule"):
        yield artifact, ("spec", "groups")
    for artifact in files.artifacts:
        groups = artifact.data.get("groups")
        has_rules = any("rules" in group or "interval" in group for group in mappings(groups))
        if not artifact.is_object and has_rules:
            yield artifact, ("groups",)


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


def parsed(rule: PlacedRule) -> Any:
    """Parse a rule's expression; None where it is not PromQL, which OBS016 says. Raises Skip."""
    with suppress(ValueError):
        return syntax(rule.expr)
    return None
