"""Data with placeholders: alerts, panels, values of charts, whose texts name values of a plan.

`<namespace>` stands for a value; an item with `repeat: NAME` is written once for each of the values
of that name, which are values of their own. Nothing else is understood: no condition, no loop in a
loop, no expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from tarmac.base.errors import BadInput, Problem
from tarmac.render.assets import asset

#: A placeholder's value; of one that items are repeated for, the values of each.
Value = str | tuple[Mapping[str, str], ...]
Values = Mapping[str, Value]
#: Small letters: `<NAME>` in a command is for its reader to fill in.
PLACEHOLDER = re.compile(r"<([a-z][a-z0-9_]*)>")
REPEAT = "repeat"


def given(condition: object) -> tuple[Mapping[str, str], ...]:
    """Make an item that is written once, under a condition."""
    return ({},) if condition else ()


def read(file: Traversable) -> Any:
    """Read a file of data."""
    return parsed(file.read_text(encoding="utf-8"))


@cache
def parsed(text: str) -> Any:
    """Parse data, once: it belongs to all that read it."""
    return yaml.load(text, yaml.CSafeLoader)


def filled_asset(path: str, values: Values) -> Any:
    """Read a file of data below `assets/`, with values in the place of their placeholders."""
    return filled(parsed(asset(path)), values, path)


def filled(node: Any, values: Values, where: str) -> Any:
    """Put values in the place of their placeholders, in a text or in all texts of a node.

    Args:
        where: the file and the item, for the error about a placeholder without a value.
    """
    if isinstance(node, str):
        return PLACEHOLDER.sub(lambda found: _text(found[1], values, where), node)
    if isinstance(node, list):
        return [item for part in node for item in _items(part, values, where)]
    if isinstance(node, dict):
        pairs: dict[Any, Any] = {}
        for found, given in _repeated(node, values, where):
            pairs |= {
                filled(key, given, where): filled(value, given, where)
                for key, value in found.items()
            }
        return pairs
    return node


def _items(item: Any, values: Values, where: str) -> Iterator[Any]:
    """Yield what an item of a list stands for; `{repeat: NAME, text: ...}` for plain texts."""
    if not isinstance(item, dict):
        yield filled(item, values, where)
        return
    for found, given in _repeated(item, values, where):
        made = filled(found, given, where)
        yield made["text"] if made.keys() == {"text"} else made


def _repeated(
    node: dict[Any, Any], values: Values, where: str
) -> Iterator[tuple[dict[Any, Any], Values]]:
    if REPEAT not in node:
        yield node, values
        return
    rest = {key: value for key, value in node.items() if key != REPEAT}
    repeated = values.get(node[REPEAT])
    if not isinstance(repeated, tuple):
        raise _unknown(node[REPEAT], values, where, tuple)
    for more in repeated:
        yield rest, {**values, **more}


def _text(name: str, values: Values, where: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise _unknown(f"<{name}>", values, where, str)
    return value


def _unknown(name: str, values: Values, where: str, kind: type) -> BadInput:
    known = ", ".join(sorted(key for key, value in values.items() if isinstance(value, kind)))
    return BadInput([Problem(where, f"no value for the placeholder {name}; use one of {known}")])
