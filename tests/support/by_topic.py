"""Marks the slow tests, and chooses those of one topic: pytest's option `--topic`.

A plugin that conftest.py loads.
"""

from __future__ import annotations

import pytest
from tiers import topic_of, topics


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which `make test-slow` runs one topic."""
    parser.addoption("--topic", choices=topics(), help="only the slow tests of one topic")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the slow tests; with `--topic`, leave out all others."""
    wanted = config.getoption("topic")
    others = []
    for item in items:
        topic = topic_of(item.nodeid, is_journey=bool(item.get_closest_marker("journey")))
        if topic is not None:
            item.add_marker(pytest.mark.slow)
        if wanted is not None and topic != wanted:
            others.append(item)
    if others:
        config.hook.pytest_deselected(items=others)
        left_out = set(map(id, others))
        items[:] = [item for item in items if id(item) not in left_out]
