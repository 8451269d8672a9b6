"""The order of the suite: what fails fastest first, then servers, systems, what CI builds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

#: Folders of tests that need what CI builds meanwhile; they come last, and wait for it.
BROUGHT = ("apiserver", "containers", "gates", "observability")


def _rank(item: pytest.Item) -> int:
    if item.path.parent.name in BROUGHT:
        return 4
    if item.get_closest_marker("e2e"):
        return 3
    if item.get_closest_marker("servers"):
        return 2
    return 0 if item.path.parent.name == "unit" else 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by cost; the sort is stable, so a file's tests stay together and in their order."""
    items.sort(key=_rank)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Wait for what is being built: while the file that the environment names is there."""
    building = os.environ.get("TARMAC_BUILDING")
    while building and item.path.parent.name in BROUGHT and Path(building).exists():
        time.sleep(1)
