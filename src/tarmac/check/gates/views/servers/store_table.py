"""What servers of stores know of settings: assets/store_settings.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tarmac.check.gates.views.published import asset


def _told() -> Mapping[str, Any]:
    told: Mapping[str, Any] = asset("store_settings.yaml")
    return told


@cache
def known_settings(store: str) -> Mapping[str, str]:
    """Return what each setting of a store has to be, by its name in lower case."""
    return {name.lower(): wanted for name, wanted in _told().get(store, {}).items()}


def known_images() -> Mapping[str, str]:
    """Return the server that each official image starts."""
    images: Mapping[str, str] = _told()["images"]
    return images


def gone_settings(store: str) -> Mapping[str, str]:
    """Return the settings that a store has no more, and since when."""
    gone: Mapping[str, str] = _told()["gone"].get(store, {})
    return gone
