"""How values are made to conform to the shapes of what gates read.

A file may be of any origin. What has another type than its place is left out of what gates read, so
that they can rely on types; OBJ005 reports it. The index of an item in a list never changes, since
the line of a finding is found by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.base.foreign.reading import Path
from tarmac.check.gates.views.shapes.shape import ANY, Leaf, ListOf, MapOf, Record, Shape, fits


@dataclass(frozen=True)
class Misfit:
    """A value of another type than its place has."""

    path: Path
    value: Any
    wanted: str


def conform(value: Any, shape: Shape) -> tuple[Any, list[Misfit]]:
    """Leave out of a value what does not fit its shape; the same value where all of it does."""
    misfits: list[Misfit] = []
    if fits(value, shape):
        return value, misfits
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
        # Null is the same as nothing, but for keys of data, which are there and empty.
        if shape is None:
            made[key] = part
        elif part is not None or (texts and shape is ANY):
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
    return f"{at}: expected {misfit.wanted}, got {_kind(misfit.value)}"


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"{value!r}"[:60]
