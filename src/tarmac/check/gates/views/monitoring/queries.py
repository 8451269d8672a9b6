"""Rules and panels as gates read them: every expression of PromQL, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, items, mappings, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.once import once


@dataclass(frozen=True)
class Query:
    """One expression, and the place that it stands at."""

    path: str
    #: `slo-alerts/HighLatency`, or a panel's title.
    title: str
    expr: str
    #: The rule; empty for a panel's.
    rule: Fields

    @property
    def alert(self) -> str | None:
        """The alert that it fires."""
        return text(self.rule, "alert")

    @property
    def recorded(self) -> str:
        """The name that its result is recorded by; empty: none."""
        return str(self.rule.get("record") or "")


def groups(artifact: Artifact) -> list[Mapping[str, Any]]:
    """List the groups of rules in a file, plain or as an object."""
    found = dig(artifact.data, "groups")
    if artifact.data.get("kind") == "PrometheusRule":
        found = dig(artifact.data, "spec", "groups")
    return mappings(found)


def bare_rules(files: Files) -> Iterator[Artifact]:
    """Yield the files of rules that are not Kubernetes object."""
    for artifact in files.artifacts:
        is_object = {"apiVersion", "kind"} <= artifact.data.keys()
        if isinstance(artifact.data.get("groups"), list) and not (is_object or artifact.held_as):
            yield artifact


def has_rules(artifact: Artifact) -> bool:
    """Tell whether a group of a plain file has a list of rules."""
    listed = mappings(artifact.data.get("groups"))
    return any(isinstance(group.get("rules"), list) for group in listed)


@once
def queries(subject: Files) -> Iterator[Query]:
    """Yield the expressions of rules, then those of panels."""
    for artifact in subject.artifacts:
        for group in groups(artifact):
            for rule in items(group, "rules"):
                name = rule.get("record") or rule.get("alert") or ""
                title = f"{group.get('name')}/{name}"
                yield Query(artifact.path, title, str(rule.get("expr", "")), rule)
        if "dashboards/" in artifact.path and artifact.path.endswith(".json"):
            content = artifact.content
            board = json_object(content) if isinstance(content, str) else None
            yield from _panels(artifact.path, dig(board, "panels"))  # OBS020 reports what is none


def _panels(path: str, panels: Any) -> Iterator[Query]:
    for panel in mappings(panels):
        yield from _panels(path, panel.get("panels"))
        for target in mappings(panel.get("targets")):
            if isinstance(expr := target.get("expr"), str) and expr:
                yield Query(path, str(panel.get("title", "")), expr, {})


def recorded(subject: Files) -> dict[str, frozenset[str]]:
    """Find the names that rules record, with the labels that they give."""
    found: dict[str, frozenset[str]] = {}
    for query in queries(subject):
        if name := query.recorded:
            labels = frozenset(query.rule.get("labels") or ())
            found[name] = found.get(name, frozenset()) | labels
    return found
