"""Reads the parts of a file that others wrote, by their paths; what is absent reads as nothing.

Gates read files that were made to conform to their shapes (`check/gates/views/shapes/`), so a part
has the type that is declared for it, or is absent. For files that were not, there are `string`,
`fields`, `items` and `numbered`: they pass over what has another type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
Fields: TypeAlias = Mapping[str, Any]
#: Places by their steps, so that what several begin with is looked for once.
PlaceTree: TypeAlias = Mapping[str, Any]

#: The step of a place that has many parts.
ITEM = "-"
#: Below which step a tree of places has the mark of the place itself.
_MARK = ""
#: A dictionary is recognised at once, another Mapping is not: a text is compared with all that a
#: Mapping may be. Both are made once, since to make a union of two types takes longer than to
#: compare with it.
_MAPPINGS = (dict, Mapping)
_LISTS = (list, tuple)


def dig(data: Any, *path: str | int) -> Any:
    """Read what is at a path; None where there is nothing."""
    for step in path:
        if type(data) is dict:
            data = data.get(step)
        elif isinstance(data, _LISTS):
            if not isinstance(step, int) or step >= len(data):
                return None
            data = data[step]
        elif isinstance(data, _MAPPINGS):
            data = data.get(step)
        else:
            return None
    return data


def text(data: Any, *path: str | int) -> str | None:
    """Read a text."""
    found: str | None = dig(data, *path)
    return found


def string(data: Any, *path: str | int) -> str:
    """Read a text; empty where there is none, or a value of another type."""
    found = dig(data, *path)
    return found if isinstance(found, str) else ""


def number(data: Any, *path: str | int) -> int | None:
    """Read a whole number."""
    found: int | None = dig(data, *path)
    return found


def port(data: Any, *path: str | int) -> int | str | None:
    """Read a port, which is a number or a name."""
    found: int | str | None = dig(data, *path)
    return found


def flag(data: Any, *path: str | int) -> bool | None:
    """Read a value that is true or false."""
    found: bool | None = dig(data, *path)
    return found


def fields(data: Any, *path: str | int) -> Fields:
    """Read a mapping; empty where there is none."""
    found = dig(data, *path)
    return found if found is not None and isinstance(found, _MAPPINGS) else {}


def items(data: Any, *path: str | int) -> tuple[Any, ...]:
    """Read a list, whose indexes are those of the file; empty where there is none."""
    found = dig(data, *path)
    return tuple(found) if isinstance(found, _LISTS) else ()


def at_each(value: Any, steps: Sequence[str], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield what stands at a place, with its path; the step `-` is every item of a list."""
    for done, step in enumerate(steps):
        if step == ITEM:
            above, below = (*path, *steps[:done]), steps[done + 1 :]
            for number, part in enumerate(items(value)):
                yield from at_each(part, below, (*above, number))
            return
        if (type(value) is not dict and not isinstance(value, _MAPPINGS)) or step not in value:
            return
        value = value[step]
    yield (*path, *steps), value


def at_steps(value: Any, steps: Sequence[str], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield what stands at a place as `at_each` does; the step `*` is every key of a mapping."""
    if not steps:
        yield path, value
    elif steps[0] == ITEM:
        for number, part in enumerate(items(value)):
            yield from at_steps(part, steps[1:], (*path, number))
    elif isinstance(value, _MAPPINGS):
        names = list(value) if steps[0] == "*" else [steps[0]] if steps[0] in value else []
        for name in names:
            yield from at_steps(value[name], steps[1:], (*path, name))


def place_tree(marks: Mapping[str, Any]) -> PlaceTree:
    """Make a tree of places as rules write them, `spec.ports.-.name`, with a mark for each."""
    root: dict[str, Any] = {}
    for place, mark in marks.items():
        here = root
        for step in place.split(".") if place else ():
            here = here.setdefault(step, {})
        here[_MARK] = mark
    return root


def at_places(value: Any, places: PlaceTree, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Yield what stands at the places of a tree, with its path and the mark of its place.

    What is not there is not looked into: of many places most objects have few.
    """
    for step, below in places.items():
        if step == _MARK:
            yield path, value, below
        elif step == ITEM:
            for number, part in enumerate(items(value)):
                yield from at_places(part, below, (*path, number))
        elif (type(value) is dict or isinstance(value, _MAPPINGS)) and step in value:
            yield from at_places(value[step], below, (*path, step))


def numbered_texts(value: Any) -> list[tuple[int, str]]:
    """List the texts of a value that should be a list of them, with their indexes."""
    listed = value if isinstance(value, _LISTS) else ()
    return [(number, part) for number, part in enumerate(listed) if isinstance(part, str)]


def mappings(value: Any) -> list[Fields]:
    """List the mappings of a value that should be a list of them."""
    listed = value if isinstance(value, _LISTS) else ()
    return [part for part in listed if isinstance(part, _MAPPINGS)]


def numbered(data: Any, *path: str | int) -> list[tuple[int, Fields]]:
    """List the mappings of a list, with their indexes."""
    return [(n, part) for n, part in enumerate(items(data, *path)) if isinstance(part, _MAPPINGS)]


def texts(value: Any) -> Iterator[str]:
    """Yield the texts of a value that may be one text, a list of them, or anything else."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, _LISTS):
        yield from (part for part in value if isinstance(part, str))


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value with every text in it changed, however deep."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, _MAPPINGS):
        return {key: with_texts(item, change) for key, item in value.items()}
    if isinstance(value, _LISTS):
        return [with_texts(item, change) for item in value]
    return value


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every text in a value with its path, however deep."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, _MAPPINGS):
        for key, item in value.items():
            yield from places(item, (*path, str(key)))
    elif isinstance(value, _LISTS):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))
