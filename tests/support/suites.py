"""End-to-end suites as they stand, for modules that bring their system up elsewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from rendered import ROOT

FOLDER = Path(ROOT) / "tests/e2e"


def suite(name: str) -> ModuleType:
    """Load a suite as it stands."""
    spec = importlib.util.spec_from_file_location(f"{name}_suite", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tests_of(found: ModuleType, fixture: str, *without: str) -> dict[str, Any]:
    """List a suite's tests for another module, which brings the system up itself, and once.

    Args:
        fixture: what tests ask for a system by.
        without: tests that are about this machine alone.
    """
    tests = {}
    for name, test in vars(found).items():
        if name.startswith("test_") and name not in without:
            marks = getattr(test, "pytestmark", [])
            test.pytestmark = [mark for mark in marks if mark.args[:1] != (fixture,)]
            tests[name] = test
    return tests
