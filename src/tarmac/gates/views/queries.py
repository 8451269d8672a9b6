"""Rules, alerts and panels as gates read them: every PromQL expression, with what it selects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tarmac.artifact import Artifact
from tarmac.foreign.data import from_json
from tarmac.gates.gate import Subject
from tarmac.gates.views.objects import dig
from tarmac.gates.views.shapes import mappings
from tarmac.model.value import seconds
from tarmac.report import Skip

#: What Grafana fills in before it asks: a time where one stands, a text elsewhere.
_TIME = re.compile(r"\$__(?:rate_)?interval|\$__range|\$\{__(?:rate_)?interval\}")
#: How far back an expression looks: a range, or a subquery's; and from when on.
_RANGE = re.compile(r"\[((?:\d+[a-z]+)+)(?::(?:\d+[a-z]+)*)?\](?:\s+offset\s+((?:\d+[a-z]+)+))?")
_VARIABLE = re.compile(r"\$\{\w+(?::\w+)?\}|\$\w+")
#: The parser's word for each sign of a matcher.
_SIGNS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


@dataclass(frozen=True)
class Query:
    """One expression, and the place that it stands at."""

    path: str
    #: `slo-alerts/HighLatency`, or a panel's title.
    title: str
    expr: str
    rule: Mapping[str, Any]


@dataclass(frozen=True)
class Matcher:
    """What a selector asks of one label."""

    label: str
    #: `=`, `!=`, `=~` or `!~`.
    sign: str
    value: str

    def holds(self, there: str) -> bool:
        """Tell whether a label's value is as it asks."""
        same = re.fullmatch(self.value, there) if "~" in self.sign else there == self.value
        return bool(same) is not self.sign.startswith("!")


@dataclass(frozen=True)
class SeriesSelector:
    """One selector of series: a name, and the labels that it asks for."""

    name: str
    matchers: tuple[Matcher, ...]

    @property
    def equal(self) -> dict[str, str]:
        """Label -> value, of those that must be equal."""
        return {matcher.label: matcher.value for matcher in self.matchers if matcher.sign == "="}

    @property
    def labels(self) -> frozenset[str]:
        """All labels that it asks for."""
        return frozenset(matcher.label for matcher in self.matchers)

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Tell whether it selects a series, as far as its labels are known."""
        return all(e.holds(labels[e.label]) for e in self.matchers if e.label in labels)


def groups(artifact: Artifact) -> list[Mapping[str, Any]]:
    """List the groups of rules in a file, plain or as an object."""
    found = dig(artifact.data, "groups")
    if artifact.data.get("kind") == "PrometheusRule":
        found = dig(artifact.data, "spec", "groups")
    return mappings(found)


def queries(subject: Subject) -> Iterator[Query]:
    """Yield the expressions of rules, then those of panels."""
    for artifact in subject.artifacts:
        for group in groups(artifact):
            for rule in group.get("rules") or ():
                name = rule.get("record") or rule.get("alert") or ""
                title = f"{group.get('name')}/{name}"
                yield Query(artifact.path, title, str(rule.get("expr", "")), rule)
        if "dashboards/" in artifact.path and artifact.path.endswith(".json"):
            for board in boards_of(artifact):
                yield from _panels(artifact.path, board.get("panels"))


def _panels(path: str, panels: Any) -> Iterator[Query]:
    for panel in mappings(panels):
        yield from _panels(path, panel.get("panels"))
        for target in mappings(panel.get("targets")):
            if isinstance(expr := target.get("expr"), str) and expr:
                yield Query(path, str(panel.get("title", "")), expr, {})


def boards_of(artifact: Artifact) -> list[Mapping[str, Any]]:
    """Read a dashboard; none where it is no JSON object, which OBS020 reports."""
    try:
        data = from_json(artifact.content) if isinstance(artifact.content, str) else {}
    except ValueError:
        return []
    return [data] if isinstance(data, Mapping) else []


def recorded(subject: Subject) -> dict[str, frozenset[str]]:
    """Find the names that rules record, with the labels that they give."""
    found: dict[str, frozenset[str]] = {}
    for query in queries(subject):
        if name := query.rule.get("record"):
            labels = frozenset(query.rule.get("labels") or ())
            found[name] = found.get(name, frozenset()) | labels
    return found


def looks_back_s(expr: str) -> float:
    """Say how many seconds an expression looks back at most, by its longest range."""
    found = _RANGE.findall(expr)
    return max((seconds(over) + seconds(offset) for over, offset in found), default=0)


@cache  # the same rules stand in files and in objects, and several gates ask about each
def selected(expr: str) -> tuple[SeriesSelector, ...]:
    """List what an expression selects. Raises ValueError where it is no PromQL, and Skip."""
    try:
        import promql_parser as promql  # noqa: PLC0415  # a parser in Rust, for few gates
    except ImportError:  # a platform without a wheel of it
        raise Skip("promql-parser is not here; pip install promql-parser") from None
    text = _VARIABLE.sub("x", _TIME.sub("5m", expr))
    found: list[SeriesSelector] = []
    todo: list[Any] = [promql.parse(text)]
    while todo:
        node = todo.pop()
        if isinstance(node, promql.MatrixSelector):
            todo.append(node.vector_selector)
        elif isinstance(node, promql.VectorSelector):
            asked = [
                Matcher(m.name, _SIGNS[str(m.op).rpartition(".")[2]], m.value)
                for m in node.matchers.matchers
            ]
            name = node.name or next((m.value for m in asked if m.label == "__name__"), "")
            found.append(SeriesSelector(name, tuple(m for m in asked if m.label != "__name__")))
        else:
            for part in ("lhs", "rhs", "expr", "param", "args"):
                below = getattr(node, part, None)
                if below is not None:
                    todo += below if isinstance(below, list) else [below]
    return tuple(found)
