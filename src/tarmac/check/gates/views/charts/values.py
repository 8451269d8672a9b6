"""Values of a chart by their paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of values, not those of lists' parts; an empty mapping is for a user."""
    for key, below in value.items() if isinstance(value, Mapping) else ():
        if isinstance(below, Mapping) and below:
            yield from leaves(below, (*path, str(key)))
        else:
            yield (*path, str(key))


def is_read(path: tuple[str, ...], read: Mapping[tuple[str, ...], str]) -> bool:
    """Tell whether a value, what it is in, or a part of it is read."""
    heads = [path[:count] for count in range(1, len(path) + 1)]
    return any(head in read for head in heads) or any(one[: len(path)] == path for one in read)
