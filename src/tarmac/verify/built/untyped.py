"""Reads parts of files that were fitted to no shape: what is of another type is not there.

Gates read through views, whose files conform; what is built is read before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def part(data: Any, *path: str | int) -> Any:
    """Read what is at a path; None where there is nothing."""
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def mapping(data: Any, *path: str | int) -> Mapping[str, Any]:
    """Read a mapping; empty where there is none."""
    found = part(data, *path)
    return found if isinstance(found, Mapping) else {}


def sequence(data: Any, *path: str | int) -> list[Any]:
    """Read a list, whose indexes are those of the file; empty where there is none."""
    found = part(data, *path)
    return found if isinstance(found, list) else []


def mappings(data: Any, *path: str | int) -> list[tuple[int, Mapping[str, Any]]]:
    """List the mappings of a list, with their indexes."""
    items = enumerate(sequence(data, *path))
    return [(number, item) for number, item in items if isinstance(item, Mapping)]


def string(data: Any, *path: str | int) -> str:
    """Read a text; empty where there is none."""
    found = part(data, *path)
    return found if isinstance(found, str) else ""
