"""What PostgreSQL and Redis know of settings: assets/store_settings.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files as resources

import yaml

FILE = resources("tarmac") / "assets" / "store_settings.yaml"


@cache
def _told() -> Mapping[str, Mapping[str, str]]:
    told: Mapping[str, Mapping[str, str]] = yaml.load(
        FILE.read_text(encoding="utf-8"), yaml.CSafeLoader
    )
    return told


@cache
def known_settings(store: str) -> Mapping[str, str]:
    """Return what each setting of a store has to be, by its name in lower case."""
    return {name.lower(): wanted for name, wanted in _told()[store].items()}


def known_images() -> Mapping[str, str]:
    """Return the server that each official image starts."""
    return _told()["images"]


def gone_settings() -> Mapping[str, str]:
    """Return the settings that PostgreSQL has no more, and since when."""
    return _told()["gone"]
