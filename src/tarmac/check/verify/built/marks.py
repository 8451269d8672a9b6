"""Values with a mark in each, by which a chart's objects tell which value a part comes from.

A chart is templated twice: what its marked values give is read for places alone, never judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tarmac.base.foreign.reading import dig
from tarmac.check.verify.built.paths import Key
from tarmac.check.verify.built.sources import Document

#: A mark is lower case and ends with a letter, as names of objects do; one in a number is below a
#: million, from where on Go writes an exponent.
_TEXT = re.compile(r"zq(\d+)zq")
_FIRST = 600_000
_NUMBER = re.compile(r"(?<!\d)(6\d{5})(?!\d)")


@dataclass
class MarkedValues:
    """The values of a release, each part with its place, and each text and number with a mark."""

    data: dict[str, Any] = field(default_factory=dict)
    #: Where each part was set last.
    places: dict[Key, str] = field(default_factory=dict)
    #: By their marks. Numbers are in their order: charts compare them, and refuse what is odd.
    texts: list[Key] = field(default_factory=list)
    numbers: list[Key] = field(default_factory=list)

    def marked(self, *, numbers: bool) -> dict[str, Any]:
        """Give the values with a mark in each text, and in place of each number."""
        made = deepcopy(self.data)
        for mark, path in enumerate(self.texts):
            dig(made, *path[:-1])[path[-1]] = f"{dig(self.data, *path)}zq{mark}zq"
        for mark, path in enumerate(self.numbers if numbers else ()):
            dig(made, *path[:-1])[path[-1]] = _FIRST + mark
        return made

    def origin(self, value: Any) -> Key | None:
        """Find the value that a leaf comes from; of several the last, as a tag is."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        for pattern, first, paths in ((_TEXT, 0, self.texts), (_NUMBER, _FIRST, self.numbers)):
            marks = [int(found[1]) - first for found in pattern.finditer(text)]
            if marks and marks[-1] < len(paths):
                return paths[marks[-1]]
        return None


def merged(layers: Iterable[Document]) -> MarkedValues:
    """Merge values as helm does, and list every text and number of them."""
    values = MarkedValues()
    for layer in layers:
        if isinstance(layer.data, Mapping):
            _merge(values, values.data, layer.data, layer, ())
    for path, value in _leaves(values.data, ()):
        # Nothing and no text are switches.
        if isinstance(value, str) and value:
            values.texts.append(path)
        elif isinstance(value, int) and not isinstance(value, bool) and value:
            values.numbers.append(path)
    values.numbers.sort(key=lambda path: dig(values.data, *path))
    return values


def _leaves(data: Any, at: Key) -> Iterator[tuple[Key, Any]]:
    parts = data.items() if isinstance(data, Mapping) else ()
    for step, below in enumerate(data) if isinstance(data, list) else parts:
        yield from _leaves(below, (*at, step))
    if not isinstance(data, Mapping | list):
        yield at, data


def _merge(
    values: MarkedValues, into: dict[str, Any], data: Mapping[str, Any], layer: Document, at: Key
) -> None:
    for key, value in data.items():
        path = (*at, key)
        values.places[path] = layer.at(*path)
        if isinstance(value, Mapping):
            below = into.get(key)
            into[key] = below = below if isinstance(below, dict) else {}
            _merge(values, below, value, layer, path)
        else:
            into[key] = value
            _place(values, value, layer, path)


def _place(values: MarkedValues, value: Any, layer: Document, at: Key) -> None:
    """Note where the items of a list are; a list is replaced as a whole."""
    if isinstance(value, list | Mapping):
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        for step, below in parts:
            values.places[(*at, step)] = layer.at(*at, step)
            _place(values, below, layer, (*at, step))


def placed(data: Any, twin: Any, values: MarkedValues) -> dict[Key, str]:
    """Find the places of an object's parts, by the same object of marked values.

    A mapping or list that holds what comes from one in the values comes from that, and with it
    what is not text and no number: a switch.
    """
    origins: dict[Key, Key] = {}
    _trace(data, twin, (), values, origins)
    for path, origin in list(origins.items()):
        for above in range(1, min(len(path), len(origin))):
            if path[-above] != origin[-above]:
                break
            origins.setdefault(path[:-above], origin[:-above])
    for path, origin in list(origins.items()):
        _descend(dig(data, *path), path, dig(values.data, *origin), origin, origins)
    return {path: values.places[o] for path, o in origins.items() if path and o in values.places}


def _trace(data: Any, twin: Any, at: Key, values: MarkedValues, found: dict[Key, Key]) -> None:
    if isinstance(data, Mapping) and isinstance(twin, Mapping):
        for key, below in data.items():
            _trace(below, twin.get(key), (*at, key), values, found)
    elif isinstance(data, list) and isinstance(twin, list) and len(data) == len(twin):
        for number, (below, other) in enumerate(zip(data, twin, strict=True)):
            _trace(below, other, (*at, number), values, found)
    elif (origin := values.origin(twin)) is not None:
        found[at] = origin


def _descend(data: Any, at: Key, value: Any, origin: Key, found: dict[Key, Key]) -> None:
    if not isinstance(data, Mapping) or not isinstance(value, Mapping):
        return
    for key, below in value.items():
        # What values remove is missing where they say so.
        is_removed = below is None and key not in data
        if (*at, key) not in found and (is_removed or (key in data and data[key] == below)):
            found[(*at, key)] = (*origin, key)
            _descend(data.get(key), (*at, key), below, (*origin, key), found)
