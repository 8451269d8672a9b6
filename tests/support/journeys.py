"""The journeys of a system, which lie in its folder and not on any path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

SYSTEMS = Path(__file__).resolve().parents[2] / "systems"


def journeys_of(system: str) -> ModuleType:
    """Load a system's journeys.py."""
    name = f"{system.replace('-', '_')}_journeys"
    spec = importlib.util.spec_from_file_location(name, SYSTEMS / system / "journeys.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
