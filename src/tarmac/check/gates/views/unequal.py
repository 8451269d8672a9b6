"""The parts in which two pieces of data differ, by their paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Path

_ABSENT = object()
#: A longer value is not repeated.
LONGEST = 60


def shown(value: Any, absent: str) -> str:
    """Write a part that differs for a reader; `absent` where there is none."""
    if value is None:
        return absent
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def unequal(
    wanted: Any, found: Any, at: Path = (), ignored: frozenset[str] = frozenset()
) -> Iterator[tuple[Path, Any, Any]]:
    """Yield the parts that differ, by their paths in what was found as far as it has them.

    Args:
        ignored: keys that say nothing, wherever they stand.
    """
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key in sorted((wanted.keys() | found.keys()) - ignored, key=str):
            parts = wanted.get(key, _ABSENT), found.get(key, _ABSENT)
            yield from unequal(*parts, (*at, key), ignored)
    elif isinstance(wanted, list) and isinstance(found, list):
        yield from _items(wanted, found, at, ignored)
    elif not _is_same(wanted, found, ignored):
        said, instead = (None if value is _ABSENT else value for value in (wanted, found))
        yield at, said, instead


def _items(
    wanted: list[Any], found: list[Any], at: Path, ignored: frozenset[str]
) -> Iterator[tuple[Path, Any, Any]]:
    """Compare lists: by the names of their items where these have some, else in their order."""
    if _are_named(wanted) and _are_named(found):
        named = {item["name"]: item for item in wanted}
        for number, item in enumerate(found):
            yield from unequal(named.pop(item["name"], _ABSENT), item, (*at, number), ignored)
        for item in named.values():
            yield (*at, str(item["name"])), item, None
    else:
        for number in range(max(len(wanted), len(found))):
            one, other = (items[number] if number < len(items) else _ABSENT
                          for items in (wanted, found))  # fmt: skip
            yield from unequal(one, other, (*at, number), ignored)


def _are_named(items: list[Any]) -> bool:
    """Tell whether each item has a name that no other one has."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _is_same(wanted: Any, found: Any, ignored: frozenset[str]) -> bool:
    """Tell whether two parts mean the same: an empty mapping is none, and so is what is ignored."""
    if wanted == found:
        return True
    left = [part for part in (wanted, found) if part is not _ABSENT]
    if len(left) == 1:
        return isinstance(left[0], Mapping) and not left[0].keys() - ignored
    return False
