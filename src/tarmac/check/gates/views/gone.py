"""What is no longer there, and since when: assets/gone.yaml, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

FILE = files("tarmac") / "assets" / "gone.yaml"


@cache
def gone(name: str) -> Any:
    """Read a section. Raises KeyError."""
    return _read()[name]


@cache
def _read() -> Any:
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)


@lru_cache(maxsize=4096)
def gone_image(image: str, today: date) -> Mapping[str, Any] | None:
    """Find what is known of an image that its registry has no more; None where nothing is."""
    known = (one for one in gone("images") if one["since"] <= today)
    return next((one for one in known if re.fullmatch(one["image"], image)), None)
