"""The order of the whole suite: what fails fastest first, real servers later, systems last."""

from __future__ import annotations

import pytest


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("e2e"):
        return 3
    if item.get_closest_marker("servers"):
        return 2
    return 0 if item.path.parent.name == "unit" else 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by cost; the sort is stable, so a file's tests stay together and in their order."""
    items.sort(key=_rank)
