"""What published things take and refuse: assets/published.yaml, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from tarmac.base.report import Skip

ASSETS = files("tarmac") / "assets"


@cache
def published(name: str) -> Any:
    """Read a section. Raises KeyError."""
    return asset("published.yaml")[name]


@cache
def asset(name: str) -> Any:
    """Read a whole file of data that gates compare others with."""
    return yaml.load((ASSETS / name).read_text(encoding="utf-8"), yaml.CSafeLoader)


def packed(name: str) -> Any:
    """Read a file of JSON in xz.

    Raises:
        Skip: this Python was built without lzma.
    """
    try:
        import lzma  # noqa: PLC0415 - a Python that was built without it still does all else
    except ImportError:
        raise Skip("this Python was built without lzma; use another Python") from None
    return json.loads(lzma.decompress((ASSETS / name).read_bytes()))
