"""Reads JSON into frozen dataclasses by their types, and says what does not fit.

The client of a supervisor reads answers with it, which pydantic would take longer to import than
the answer takes.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any


class Unfit(ValueError):
    """Data that is not of the type that it should have."""


def as_json(value: Any) -> Any:
    """Write a dataclass, or a container of some, as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        # Not by `asdict`: in Python 3.11 it counts the pairs of a Counter.
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(part) for part in value]
    return value


def read(kind: Any, data: Any, name: str = "answer") -> Any:
    """Read data as a type: a dataclass, a container, an optional or a plain value.

    Args:
        name: of the data, for the message.

    Raises:
        Unfit: it is of another type, or a field is missing.
    """
    if kind is Any or kind is object:
        return data
    if kind is None or kind is type(None):
        return None
    if is_dataclass(kind):
        return _read_dataclass(kind, data, name)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _read_union(args, data, name)
    if origin is typing.Literal:
        return _checked(data, data in args, f"is not one of {', '.join(map(repr, args))}", name)
    if origin is tuple:
        _checked(data, isinstance(data, list), "is not a list", name)
        if args[-1] is Ellipsis:
            args = (args[0],) * len(data)
        _checked(data, len(args) == len(data), f"is not a list of {len(args)}", name)
        return tuple(read(arg, part, name) for arg, part in zip(args, data, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        _checked(data, isinstance(data, dict), "is not an object", name)
        key_of = float if args[0] is float else str
        return {key_of(key): read(args[1], part, f"{name}.{key}") for key, part in data.items()}
    if kind is float:
        is_number = isinstance(data, int | float) and not isinstance(data, bool)
        return float(_checked(data, is_number, "is not a number", name))
    is_such = isinstance(data, kind) and not (kind is int and isinstance(data, bool))
    return _checked(data, is_such, f"is not of the type {kind.__name__}", name)


def _read_dataclass(kind: Any, data: Any, name: str) -> Any:
    _checked(data, isinstance(data, dict), "is not an object", name)
    hints = _hints(kind)
    lacking = sorted(
        one.name
        for one in fields(kind)
        if one.name not in data and one.default is MISSING and one.default_factory is MISSING
    )
    if lacking:
        raise Unfit(f"{name}: {', '.join(lacking)} is missing; add it")
    given = hints.keys() & data.keys()
    return kind(**{key: read(hints[key], data[key], f"{name}: {key}") for key in given})


def _read_union(args: tuple[Any, ...], data: Any, name: str) -> Any:
    if data is None and type(None) in args:
        return None
    first, *others = [arg for arg in args if arg is not type(None)]
    for arg in others:
        try:
            return read(arg, data, name)
        except Unfit:
            continue
    return read(first, data, name)


def _checked(data: Any, is_right: bool, what: str, name: str) -> Any:
    if not is_right:
        raise Unfit(f"{name} is {str(data)[:40]!r}, which {what}")
    return data


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
