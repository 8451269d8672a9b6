"""Which Tarmac this is: one that runs may be older than the command that asks it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import tarmac


def build_id() -> str:
    """Name the version and, for a checkout that is edited in place, its newest file's time."""
    root = Path(tarmac.__file__).parent
    newest = max(path.stat().st_mtime_ns for path in root.rglob("*.py"))
    return f"{version('tarmac')} of {newest}"
