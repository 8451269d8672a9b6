"""Objects that a chart's templates make: what its own values leave open, others may give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.check.gates.views.shapes.templates import spec_paths

#: A key that a program of one's own replaces: `GEN3_IMAGE|-image: ...-|`.
_MARKED = re.compile(r"^[ \t]*(?:- +)*\w[\w-]*[|<>%@][^\s:]*:", re.MULTILINE)

#: A value that Python fills in, by `format`: to YAML it is a mapping of a word to nothing.
_FORMATTED = re.compile(r"^[ \t]*(?:- +)*[\w./-]+:[ \t]+\{[a-z]\w*\}[ \t]*$", re.MULTILINE)
#: What ytt reads in comments: `#@ load("@ytt:data", "data")`, `name: #@ data.values.name`.
_YTT = re.compile(r"^[ \t]*#@[ \t]+(?:load|for|if|def|let)\b|:[ \t]+#@[ \t]+\w", re.MULTILINE)
_OBJECT = re.compile(r"^apiVersion:", re.MULTILINE)


def is_templated(artifact: Artifact) -> bool:
    """Tell whether a template of a chart makes an object."""
    return "templates/" in artifact.built_by


def is_cut(artifact: Artifact, value: Any) -> bool:
    """Tell whether a template's text lacks the part before or after a sign, as in `orders-`."""
    return is_templated(artifact) and isinstance(value, str) and value != value.strip("-._/")


def has_marked_keys(text: str, documents: Iterable[Artifact]) -> bool:
    """Tell whether pods in a file have keys that no field has: another program replaces them."""
    return _MARKED.search(text) is not None and any(map(_is_marked, documents))


def is_formatted(text: str) -> bool:
    """Tell whether a program in Python, or ytt, fills in the values of an object's file."""
    if "#@" in text and _YTT.search(text):
        return True
    return _OBJECT.search(text) is not None and _FORMATTED.search(text) is not None


def _is_marked(artifact: Artifact) -> bool:
    todo = [dig(artifact.data, *path) for path in spec_paths(artifact.data)]
    while todo:
        one = todo.pop()
        if isinstance(one, Mapping):
            if any(_MARKED.match(f"{key}:") for key in one):
                return True
            todo += one.values()
        elif isinstance(one, list):
            todo += one
    return False
