"""Describes JSON documents by their members and types, and writes that as lines of text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

#: A description: words for a value, or members, with `*` for those that have names of the system.
Shape = str | dict[str, Any]
EACH, NAMED = "[]", "*"
WORDS = {str: "text", bool: "true or false", int: "number", float: "number", type(None): "null"}


def shape_of(value: Any, names: Collection[str]) -> Shape:
    """Describe a value.

    Args:
        names: what a system calls its parts: members with such a name stand for each of them.
    """
    if isinstance(value, list):
        return {EACH: merged([shape_of(item, names) for item in value])}
    if not isinstance(value, dict):
        return WORDS[type(value)]
    if any(key in names or not re.fullmatch(r"[a-z][a-z0-9_]*", key) for key in value):
        return {NAMED: merged([shape_of(item, names) for item in value.values()])}
    return {key: shape_of(item, names) for key, item in value.items()}


def merged(shapes: Collection[Shape]) -> Shape:
    """Join what is known of one place; a member that only some have is there, too."""
    texts = dict.fromkeys(word for shape in shapes if isinstance(shape, str) for word in [shape])
    objects = [shape for shape in shapes if isinstance(shape, dict)]
    if not objects:
        words = [word for text in texts for word in text.split(" | ")]
        return (
            " | ".join(sorted(set(words) - {"?"}, key=lambda word: (word == "null", word))) or "?"
        )
    keys = dict.fromkeys(key for shape in objects for key in shape)
    return {key: merged([shape[key] for shape in objects if key in shape]) for key in keys}


def lines(shape: Shape, indent: str = "") -> Iterator[str]:
    """Write a description, a member a line."""
    if isinstance(shape, str) or EACH in shape:
        yield from _member("", shape, indent)
        return
    for key, below in shape.items():
        yield from _member("NAME: " if key == NAMED else f"{key}: ", below, indent)


def _member(label: str, shape: Shape, indent: str) -> Iterator[str]:
    while isinstance(shape, dict) and EACH in shape:
        label += "list" if shape[EACH] == "?" else "list of "
        shape = "" if shape[EACH] == "?" else shape[EACH]
    if isinstance(shape, str):
        yield f"{indent}{label}{shape}"
        return
    yield f"{indent}{label}{'' if shape else 'object'}".rstrip()
    yield from lines(shape, f"{indent}  ")
