"""What published things take and refuse: assets/published.yaml, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

FILE = files("tarmac") / "assets" / "published.yaml"


@cache
def published(name: str) -> Any:
    """Read a section. Raises KeyError."""
    return _read()[name]


@cache
def _read() -> Any:
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
