"""The strings and numbers of a JSON document, with their places; used by `correlation`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

#: Where a value is in a document.
Path = tuple[str | int, ...]


def leaves(text: str) -> Iterator[tuple[Path, Any]]:
    """Yield the strings and whole numbers of a JSON document with their places."""
    try:
        document = json.loads(text)
    except ValueError:
        return
    yield from _below(document, ())


def _below(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _below(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _below(item, (*path, number))
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield path, value
