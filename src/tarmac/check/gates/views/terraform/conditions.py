"""Conditions of policy statements of IAM: how which key is compared with what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.check.gates.views.terraform.tree import children

#: What is asked of several values of a key is before the test; that it may be absent, behind.
_BEFORE, _BEHIND = ("ForAnyValue:", "ForAllValues:"), "IfExists"
Texts = Callable[[Any], list[str]]


@dataclass(frozen=True)
class TrustCondition:
    """One key that a statement compares."""

    #: `StringEquals`.
    test: str
    #: `token.actions.githubusercontent.com:sub`.
    key: str
    values: tuple[str, ...]

    @property
    def is_literal(self) -> bool:
        """Whether it is compared as it stands."""
        return self.test in ("StringEquals", "StringEqualsIgnoreCase")

    @property
    def is_pattern(self) -> bool:
        """Whether it is compared with patterns."""
        return self.test == "StringLike"


def of_block(block: Any, texts: Texts) -> Iterator[TrustCondition]:
    """Read `condition { test variable values }` of a document."""
    body = next((c for c in children(block) if c.data == "body"), block)
    found: dict[str, list[str]] = {}
    for child in children(body):
        if child.data == "attribute":
            name, *_ = [*texts(child.children[0]), ""]
            found[name] = texts(child.children[-1])
    test, key = ([*found.get(name, ()), ""][0] for name in ("test", "variable"))
    # Names that are computed are read as texts, too.
    yield TrustCondition(_bare(test), key, tuple(found.get("values", ())))


def of_object(node: Any, texts: Texts) -> Iterator[TrustCondition]:
    """Read `Condition = { StringEquals = { "key" = value } }`."""
    for test, below in _elements(node, texts):
        for key, value in _elements(below, texts):
            yield TrustCondition(_bare(test), key, tuple(texts(value)))


def of_json(data: Any) -> Iterator[TrustCondition]:
    """Read the same of a file of JSON."""
    for test, below in data.items() if isinstance(data, Mapping) else ():
        for key, value in below.items() if isinstance(below, Mapping) else ():
            values = value if isinstance(value, list) else [value]
            yield TrustCondition(_bare(str(test)), str(key), tuple(map(str, values)))


def _elements(node: Any, texts: Texts) -> Iterator[tuple[str, Any]]:
    holder = _object(node)
    for child in children(holder) if holder is not None else ():
        if child.data == "object_elem":
            name, *_ = [*texts(child.children[0]), ""]
            yield name, child.children[-1]


def _object(node: Any) -> Any:
    """Find the object that a value is."""
    if getattr(node, "data", "") == "object":
        return node
    return next((found for one in children(node) if (found := _object(one)) is not None), None)


def _bare(test: str) -> str:
    for begin in _BEFORE:
        test = test.removeprefix(begin)
    return test.removesuffix(_BEHIND)
