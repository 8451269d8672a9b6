"""Paths into objects by which a part is found again in another file: list items go by their name.

A patch names a container, and its index in what is built is another one than in any file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

#: `("spec", "containers", "[name=web]", "image")`.
Key: TypeAlias = tuple[str | int, ...]

#: What an item of a list is told from the others by, the first that it has.
_NAMES = ("name", "containerPort", "mountPath", "port", "topologyKey", "key", "path", "host", "ip")
_STEP = re.compile(r"\[([^=\]]+)=([^\]]*)\]")


def steps(data: Any, index: Key = (), key: Key = ()) -> Iterator[tuple[Key, Key, Any]]:
    """Yield each part of data: its path by index, its path by name, and the part."""
    yield index, key, data
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from steps(value, (*index, name), (*key, name))
    elif isinstance(data, list):
        for number, (step, item) in enumerate(named(data)):
            yield from steps(item, (*index, number), (*key, step))


def named(items: list[Any]) -> Iterator[tuple[str | int, Any]]:
    """Yield the items of a list with the step that leads to each."""
    seen: dict[str | int, int] = {}
    for number, item in enumerate(items):
        step = _step(item, number)
        seen[step] = again = seen.get(step, 0) + 1
        yield (step if again == 1 else f"{step}#{again}"), item


def _step(item: Any, number: int) -> str | int:
    if isinstance(item, Mapping):
        for name in _NAMES:
            value = item.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool):
                return f"[{name}={value}]"
    return number


def pointed(data: Any, pointer: str) -> Key:
    """Read a JSON pointer into an object as a path by name."""
    key: Key = ()
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(data, list):
            listed = list(named(data))
            number = int(step) if step.isdecimal() else len(listed)
            name, data = listed[number] if number < len(listed) else (step, None)
            key = (*key, name)
        else:
            data = data.get(step) if isinstance(data, Mapping) else None
            key = (*key, step)
    return key


def dotted(path: str) -> Key:
    """Read a field path of a replacement, `spec.containers.[name=web].image`, as a path by name."""
    parts = re.findall(r"\[[^\]]*\]|(?:\\\.|[^.\[])+", path)
    return tuple(part if _STEP.fullmatch(part) else part.replace("\\.", ".") for part in parts)
