"""What published things take and refuse: assets/published.yaml, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

ASSETS = files("tarmac") / "assets"


@cache
def published(name: str) -> Any:
    """Read a section. Raises KeyError."""
    return asset("published.yaml")[name]


@cache
def asset(name: str) -> Any:
    """Read a whole file of data that gates compare others with."""
    return yaml.load((ASSETS / name).read_text(encoding="utf-8"), yaml.CSafeLoader)
