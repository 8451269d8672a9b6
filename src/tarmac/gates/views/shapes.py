"""Shapes of the objects that gates read: what stands where a list, mapping, text or number must.

A file may be of any origin. What has another type than its place is left out of what gates read, so
that they can rely on types; OBJ005 reports it. The index of an item in a list never changes, since
the line of a finding is found by it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tarmac.model.value import amount, seconds

Path: TypeAlias = tuple[str | int, ...]


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


@dataclass(frozen=True)
class Misfit:
    """A value of another type than its place has."""

    path: Path
    value: Any
    wanted: str


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
    return not isinstance(value, Mapping | list | tuple)


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
NETWORK = Leaf("a network, e.g. 10.0.0.0/16", _parses(ipaddress.ip_network))
TEXTS = ListOf(TEXT)
LABELS = MapOf(SCALAR)


def conform(value: Any, shape: Shape) -> tuple[Any, list[Misfit]]:
    """Leave out of a value what does not fit its shape; the same value where all of it does."""
    misfits: list[Misfit] = []
    return _conform(value, shape, (), misfits), misfits


#: What stands where something was left out.
_NOTHING = object()


def _conform(value: Any, shape: Shape, path: Path, misfits: list[Misfit]) -> Any:
    match shape:
        case Leaf():
            if shape.accepts(value):
                return value
        case ListOf() if isinstance(value, list | tuple):
            return _list(value, shape.item, path, misfits)
        case MapOf() if isinstance(value, Mapping):
            return _mapping(value, path, misfits, lambda _: shape.value, texts=True)
        case Record() if isinstance(value, Mapping):
            return _mapping(value, path, misfits, shape.fields.get, texts=False)
        case _:
            pass
    misfits.append(Misfit(path, value, _title(shape)))
    return _NOTHING


def _mapping(
    value: Mapping[Any, Any],
    path: Path,
    misfits: list[Misfit],
    shape_of: Callable[[Any], Shape | None],
    *,
    texts: bool,
) -> Mapping[Any, Any]:
    made: dict[Any, Any] = {}
    for key, part in value.items():
        if texts and not isinstance(key, str):
            misfits.append(Misfit((*path, str(key)), key, "a text as its key"))
            continue
        shape = shape_of(key)
        if shape is None:
            made[key] = part
        elif part is not None:  # null is the same as nothing
            fitting = _conform(part, shape, (*path, key), misfits)
            if fitting is not _NOTHING:
                made[key] = fitting
    same = len(made) == len(value) and all(made[key] is value[key] for key in made)
    return value if same else made


def _list(
    value: list[Any] | tuple[Any, ...], item: Shape, path: Path, misfits: list[Misfit]
) -> list[Any] | tuple[Any, ...]:
    made = []
    for number, part in enumerate(value):
        fitting = _conform(part, item, (*path, number), misfits)
        if fitting is not _NOTHING:
            made.append(fitting)
        elif isinstance(item, Record | MapOf):
            made.append({})
        elif isinstance(item, ListOf):
            made.append([])
    same = len(made) == len(value) and all(map(_is, made, value))
    return value if same else made


def _is(one: Any, other: Any) -> bool:
    return one is other


def _title(shape: Shape) -> str:
    if isinstance(shape, Leaf):
        return shape.title
    return "a list" if isinstance(shape, ListOf) else "a mapping"


def describe(misfit: Misfit) -> str:
    """Say of a misfit where it is, what it is and what must stand there."""
    at = ".".join(map(str, misfit.path)) or "the file"
    return f"{at} is {_kind(misfit.value)}, and {misfit.wanted} belongs there"


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"{value!r}"[:60]


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """List the mappings of a value that should be a list of them."""
    items = value if isinstance(value, list | tuple) else ()
    return [item for item in items if isinstance(item, Mapping)]


def texts_in(value: Any) -> Iterator[str]:
    """Yield the texts of a value that may be one text, a list of them, or anything else."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        yield from (part for part in value if isinstance(part, str))
