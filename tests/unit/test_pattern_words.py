"""What a pattern of the model wants is said in words, and never by the pattern itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tarmac.model.complaints import PATTERNS

SCHEMAS = Path(__file__).parents[2] / "docs/reference"


def patterns(schema: Any) -> Iterator[str]:
    """Find the patterns of a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from patterns(part)


@pytest.mark.parametrize("name", ["tarmac", "service"])
def test_every_pattern_has_words(name):
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    found = set(patterns(schema))
    assert found
    assert found <= PATTERNS.keys()
