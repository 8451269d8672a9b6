"""Chooses tests by topic: those of one with pytest's option `--topic`, of none with `--presubmit`.

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
    """Leave out the tests of other topics; with `--presubmit`, those of every topic."""
    presubmit, wanted = config.getoption("presubmit"), config.getoption("topic")
    if not presubmit and wanted is None:
        return
    chosen, others = [], []
    for item in items:
        is_journey = item.get_closest_marker("journey") is not None
        topic = topic_of(item.nodeid, is_journey=is_journey)
        (chosen if topic == wanted else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = chosen
