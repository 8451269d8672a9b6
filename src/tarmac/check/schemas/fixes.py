"""What must stand in a place for a schema to take it, where that can be one thing only."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from typing import Any

from tarmac.base.errors import only_near
from tarmac.base.report import Fix

_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")


def renamed(name: str, known: Iterable[str], there: Collection[str]) -> Fix | None:
    """Rename a field that is misspelt to the known one, unless that is there, too."""
    near = only_near(name, known)
    return Fix(name, near) if near is not None and near not in there else None


def reworded(value: Any, words: Iterable[str]) -> Fix | None:
    """Correct a word of a closed list."""
    near = only_near(value, words) if isinstance(value, str) else None
    return Fix(value, near) if near is not None else None


def retyped(value: Any, types: Collection[str]) -> Fix | None:
    """Quote a number that must be a text, and take the quotes off one that must be a number."""
    if "string" in types and isinstance(value, bool | int | float):
        written = json.dumps(value)
        return Fix(written, f'"{written}"')
    if not isinstance(value, str):
        return None
    if "integer" in types and _WHOLE.fullmatch(value):
        return Fix(value, value)
    return Fix(value, value) if "boolean" in types and value in ("true", "false") else None
