"""Patterns of EventBridge can match an event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.tree import children, line_of, tree

#: Fields of every event, and what combines patterns.
FIELDS = (
    "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail",
    "$or",
)  # fmt: skip
#: What each pattern has, or is.
NAMES = ("event_pattern", "detail-type")
#: What is computed: it may be anything.
UNKNOWN = object()


@dataclass(frozen=True)
class EventPattern:
    """A pattern that is written as it stands."""

    where: str
    value: dict[str, Any]


def check(files: Files) -> Iterator[Finding]:
    """Yield patterns that match nothing, with the part that does not fit."""
    for pattern in _patterns(files):
        for what in (*_shapes(pattern.value), *_fields(pattern.value), *_kinds(pattern.value)):
            yield Finding(pattern.where, f"the pattern matches no event: {what}")


def _shapes(value: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield values outside of a list, and lists without any."""
    for key, below in value.items():
        name = f"{path}{key}"
        if isinstance(below, dict):
            yield from _shapes(below, f"{name}.")
        elif isinstance(below, list):
            if not below:
                yield f"the list of {name} is empty; write the values that it may have"
        elif below is not UNKNOWN:
            yield f"{name} is not a list; write [{json.dumps(below)}]"


def _fields(value: dict[str, Any]) -> Iterator[str]:
    for key in value:
        if key not in FIELDS:
            yield f"events have no field '{key}'; {did_you_mean(key, FIELDS)}"


def _kinds(value: dict[str, Any]) -> Iterator[str]:
    """Yield sources and kinds of events that AWS does not send."""
    known: dict[str, list[str]] = published("events")["kinds"]
    asked = [text for text in _texts(value.get("source")) if isinstance(text, str)]
    for source in asked:
        if f"aws.{source}" in known:
            yield f"no event comes from '{source}'; write aws.{source}"
    if len(asked) != 1 or asked[0] not in known or asked[0] != _only(value.get("source")):
        return
    kinds = [*known[asked[0]], *published("events")["of_all"]]
    for kind in _texts(value.get("detail-type")):
        if isinstance(kind, str) and kind not in kinds:
            senders = [source for source, its in known.items() if kind in its]
            said = f"{senders[0]} does" if senders else did_you_mean(kind, kinds)
            yield f"{asked[0]} sends no '{kind}'; {said}"


def _texts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else None


def _patterns(files: Files) -> list[EventPattern]:
    """Find patterns of rules, and objects that have the fields of one."""
    found = []
    for source in sources(files):
        if not any(name in str(source.content) for name in NAMES):
            continue  # most have none, and the walk takes as long as the parsing
        parsed = tree(source.path, str(source.content))
        if not isinstance(parsed, Finding):
            found += [EventPattern(f"{source.path}:{line}", v) for line, v in _written(parsed)]
    return found


def _written(node: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    for child in children(node):
        if child.data == "attribute" and _name(child) == "event_pattern":
            value = _value(child.children[-1])
            if isinstance(value, dict):
                yield line_of(child), value
        elif child.data == "object" and isinstance(_value(child).get("detail-type"), list):
            yield line_of(child), _value(child)
        else:
            yield from _written(child)


def _value(node: Any) -> Any:
    """Evaluate an expression, as far as it is written: dict, list, text, number or UNKNOWN."""
    below = [*children(node)]
    match node.data:
        case "expr_term" if len(below) == 1:
            return _value(below[0])
        case "function_call" if _texts_of(below[0]) == ["jsonencode"]:
            given = [_value(one) for one in below[1:] if one.data != "identifier"]
            return given[0] if len(given) == 1 else UNKNOWN
        case "arguments" if len(below) == 1:
            return _value(below[0])
        case "object":
            elements = [one for one in below if one.data == "object_elem"]
            return {_name(one): _value(one.children[-1]) for one in elements}
        case "tuple":
            return [_value(one) for one in below if one.data != "new_line_or_comment"]
        case "string":
            text = "".join(_texts_of(node))
            return UNKNOWN if "${" in text else _from_json(text)
        case _:
            return UNKNOWN


def _from_json(text: str) -> Any:
    try:
        value = json.loads(text.encode().decode("unicode_escape"))
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def _name(node: Any) -> str:
    return "".join(_texts_of(node.children[0]))


def _texts_of(node: Any) -> list[str]:
    return ["".join(str(token) for token in node.scan_values(lambda _: True)).strip('"').strip()]


GATE = Gate(
    id="INF012",
    title="Patterns of EventBridge can match an event",
    phase="observability",
    source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html: a "
    "rule whose pattern matches nothing is valid, and silent",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("event patterns", _patterns),
    targets=("cluster",),
    reads="`event_pattern` and objects with `detail-type`, as far as they are written. Kinds of "
    "events are those of assets/published.yaml; of other sources every kind passes.",
)
