"""Shapes: what stands where a list, mapping, text or number must."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tarmac.base.written import amount, seconds


@dataclass(frozen=True)
class Leaf:
    """A value that has no parts."""

    #: For a reader: `a text`.
    title: str
    accepts: Callable[[Any], bool]


@dataclass(frozen=True)
class Record:
    """A mapping with known keys; keys that are not listed may hold anything."""

    fields: Mapping[str, Shape]


@dataclass(frozen=True)
class ListOf:
    """A list of items of one shape."""

    item: Shape


@dataclass(frozen=True)
class MapOf:
    """A mapping of texts to values of one shape."""

    value: Shape


Shape: TypeAlias = Leaf | Record | ListOf | MapOf
#: A dictionary is recognised at once, another Mapping is not.
_MAPPINGS = (dict, Mapping)


def fits(value: Any, shape: Shape) -> bool:
    """Tell whether nothing is left out, which is so nearly always; without a path to each part."""
    if isinstance(shape, Leaf):
        return shape.accepts(value)
    if isinstance(shape, Record):
        if not isinstance(value, _MAPPINGS):
            return False
        known = shape.fields
        return all(
            part is not None and fits(part, known[key])
            for key, part in value.items()
            if key in known
        )
    if isinstance(shape, MapOf):
        return isinstance(value, _MAPPINGS) and all(
            isinstance(key, str)
            and (part is not None or shape.value is ANY)
            and fits(part, shape.value)
            for key, part in value.items()
        )
    return isinstance(value, (list, tuple)) and all(fits(part, shape.item) for part in value)


#: What nearly all values are of; to be told from a Mapping takes longer.
_SCALARS = frozenset((str, int, float, bool, type(None)))


def _parses(read: Callable[[str], object]) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        try:
            read(str(value))
        except ValueError:
            return False
        return is_scalar(value)

    return accepts


def is_scalar(value: Any) -> bool:
    """Tell whether a value has no parts."""
    return type(value) in _SCALARS or not isinstance(value, Mapping | list | tuple)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


ANY = Leaf("anything", lambda _: True)
TEXT = Leaf("a text", lambda value: isinstance(value, str))
FLAG = Leaf("true or false", lambda value: isinstance(value, bool))
INTEGER = Leaf("a whole number", _is_integer)
NUMBER = Leaf("a number", lambda value: _is_integer(value) or isinstance(value, float))
SCALAR = Leaf("a text or a number", is_scalar)
PORT = Leaf("a number or a name", lambda value: _is_integer(value) or isinstance(value, str))
COUNT = Leaf(
    "a whole number or a percentage",
    lambda value: not isinstance(value, bool) and bool(re.fullmatch(r"\d+%?", str(value))),
)
QUANTITY = Leaf("an amount, e.g. 512Mi", _parses(amount))
DURATION = Leaf("a duration, e.g. 30s", _parses(seconds))
#: With bits behind its length it is one, too: to an API server 10.0.1.0/16 is 10.0.0.0/16.
NETWORK = Leaf(
    "a network, e.g. 10.0.0.0/16", _parses(lambda text: ipaddress.ip_network(text, strict=False))
)
TEXTS = ListOf(TEXT)
LABELS = MapOf(SCALAR)
