"""Sets of Applications, expanded: a template with the fields of each element of a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from tarmac.base.foreign.reading import Fields, fields, items, text

_FIELD = re.compile(r"\{\{-?\s*\.(\w+)\s*-?\}\}")
_WHOLE = re.compile(r"\s*\{\{\s*toJson \.(\w+)\s*\}\}\s*")


def expanded(data: Fields) -> Iterator[dict[str, Any]]:
    """Make a set's Applications: its template with the fields of each element of its lists."""
    template = fields(data, "spec", "template")
    for generator in items(data, "spec", "generators"):
        for element in items(generator, "list", "elements"):
            if not isinstance(element, Mapping):
                continue
            made = _filled(template, element)
            made = {"apiVersion": data.get("apiVersion"), "kind": "Application", **made}
            if field := _WHOLE.fullmatch(text(data, "spec", "templatePatch") or ""):
                more = element.get(field[1])
                made = _merged(made, more) if isinstance(more, Mapping) else made
            yield made


def _filled(template: Fields, element: Fields) -> dict[str, Any]:
    def value(found: re.Match[str]) -> str:
        return json.dumps(str(element.get(found[1], "")))[1:-1]

    filled: dict[str, Any] = json.loads(_FIELD.sub(value, json.dumps(template)))
    return filled


def _merged(data: dict[str, Any], patch: Fields) -> dict[str, Any]:
    made = deepcopy(data)
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(made.get(key), dict):
            made[key] = _merged(made[key], value)
        else:
            made[key] = value
    return made
