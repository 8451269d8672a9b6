"""PromQL: the series that an expression selects, and how far back it looks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tarmac.base.report import Skip
from tarmac.base.written import seconds

#: What Grafana fills in before it asks: a time where one stands, a text elsewhere.
_TIME = re.compile(r"\$__(?:(?:rate_)?interval|range)\b|\$\{__(?:rate_)?interval\}")
#: How far back an expression looks: a range, or a subquery's; and from when on.
_RANGE = re.compile(r"\[((?:\d+[a-z]+)+)(?::(?:\d+[a-z]+)*)?\](?:\s+offset\s+((?:\d+[a-z]+)+))?")
_VARIABLE = re.compile(r"\$\{\w+(?::\w+)?\}|\$\w+")
_QUOTED = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`""")
#: What follows a selector of logs in LogQL, with texts left out: a filter of lines, or a parser.
_LOGS = re.compile(r"\}\s*(?:\|[=~>]|!=\s*\"\"|!~\s*\"\"|\|\s*[a-z_]+)")
#: The parser's word for each sign of a matcher.
_SIGNS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


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


def looks_back_s(expr: str) -> float:
    """Return how many seconds an expression looks back at most, by its longest range."""
    found = _RANGE.findall(expr)
    return max((seconds(over) + seconds(offset) for over, offset in found), default=0)


@cache  # the same rules stand in files and in objects, and several gates ask about each
def syntax(expr: str) -> Any:
    """Parse an expression. Raises ValueError where it is not PromQL, and Skip."""
    try:
        import promql_parser as promql  # noqa: PLC0415  # a parser in Rust, for few gates
    except ImportError:  # a platform without a wheel of it
        raise Skip("promql-parser is not here; pip install promql-parser") from None
    return promql.parse(_VARIABLE.sub("x", _TIME.sub("5m", expr)))


def parts(tree: Any) -> Iterator[Any]:
    """Yield the nodes of an expression, itself first."""
    todo: list[Any] = [tree]
    while todo:
        node = todo.pop()
        yield node
        for part in ("lhs", "rhs", "expr", "param", "args", "vector_selector"):
            below = getattr(node, part, None)
            if below is not None:
                todo += below if isinstance(below, list) else [below]


def bare(node: Any) -> Any:
    """Take a node of an expression out of its brackets."""
    while type(node).__name__ == "ParenExpr":
        node = node.expr
    return node


@cache
def selected(expr: str) -> tuple[SeriesSelector, ...]:
    """List what an expression selects. Raises ValueError where it is not PromQL, and Skip."""
    found: list[SeriesSelector] = []
    for node in parts(syntax(expr)):
        if type(node).__name__ == "VectorSelector":
            asked = [
                Matcher(m.name, _SIGNS[str(m.op).rpartition(".")[2]], m.value)
                for m in node.matchers.matchers
            ]
            name = node.name or next((m.value for m in asked if m.label == "__name__"), "")
            found.append(SeriesSelector(name, tuple(m for m in asked if m.label != "__name__")))
    return tuple(found)


def has_filled_parts(expr: str) -> bool:
    """Tell whether Grafana fills in more than texts and known times, so that only it can parse."""
    return _VARIABLE.search(_QUOTED.sub("", _TIME.sub("5m", expr))) is not None


def is_of_logs(expr: str) -> bool:
    """Tell whether an expression counts lines of logs: LogQL, which Loki evaluates."""
    return _LOGS.search(_QUOTED.sub('""', expr)) is not None


def parses(expr: str) -> bool:
    """Tell whether an expression is PromQL. Raises Skip."""
    try:
        selected(expr)
    except ValueError:
        return False
    return True
