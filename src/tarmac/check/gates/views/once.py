"""Keeps what a view found in files for as long as these are judged: several gates ask the same.

What is kept is part of the files' own object, so it ends with it; a subject with other artifacts is
another object. Views that are kept depend on nothing but the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TypeVar

from tarmac.check.gates.subject import Files

Found = TypeVar("Found")


def once(find: Callable[[Files], Iterable[Found]]) -> Callable[[Files], tuple[Found, ...]]:
    """Keep what a view yields, so that it looks into the same files once."""

    @wraps(find)
    def kept(files: Files) -> tuple[Found, ...]:
        found: dict[object, tuple[Found, ...]] = files.__dict__.setdefault("_found_once", {})
        if find not in found:
            found[find] = tuple(find(files))
        return found[find]

    return kept
