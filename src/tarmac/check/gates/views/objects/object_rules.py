"""Rules on Kubernetes objects that are data: assets/object_rules.yaml, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

FILE = files("tarmac") / "assets" / "object_rules.yaml"


@cache
def object_rules() -> Any:
    """Read all of them."""
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
