"""Tries tests of real processes a second time, and lists those that needed it.

A plugin that conftest.py loads. What is listed is a defect of the test or of the product: the list
is printed at the end and kept in dist/flakes.jsonl. A test without processes is never repeated.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[2] / "dist/flakes.jsonl"
#: Marks and fixtures of tests that start processes.
MARKS = frozenset({"servers", "e2e", "journey"})
FIXTURES = frozenset({"sandbox"})


def starts_processes(item: pytest.Item) -> bool:
    """Tell whether a test may be tried again."""
    marks = {mark.name for mark in item.iter_markers()}
    return not MARKS.isdisjoint(marks) or not FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


class Flakes:
    """Collects the tests that were tried again, in the process that reports."""

    def __init__(self, file: Path = FILE) -> None:
        self.file = file
        self.again: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if str(report.outcome) == "rerun":
            cause = str(report.longrepr).strip().splitlines()
            self.again.append(
                {
                    "test": report.nodeid,
                    "seconds": round(report.duration, 1),
                    "load": round(os.getloadavg()[0], 1),
                    "cause": cause[-1][:200] if cause else "",
                }
            )

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.again:
            return
        terminalreporter.section("tried a second time")
        self.file.parent.mkdir(exist_ok=True)
        with self.file.open("a", encoding="utf-8") as kept:
            for flake in self.again:
                terminalreporter.write_line(f"{flake['test']}: {flake['cause']}", yellow=True)
                kept.write(json.dumps(flake) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Collect where the reports come together."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Flakes(), "flaky-tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that may be tried again, for pytest-rerunfailures."""
    for item in items:
        if starts_processes(item):
            item.add_marker(pytest.mark.flaky(reruns=1))
