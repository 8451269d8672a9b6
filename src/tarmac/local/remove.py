"""Deletes what a namespace keeps, and says what it was."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from tarmac.local import privileges
from tarmac.local.paths import Home
from tarmac.local.prepare import nodes_outside


def delete(home: Home) -> list[str]:
    """Delete a stopped namespace's folder: data, logs, secrets, facts.

    Returns:
        A line for each thing that was deleted, with its size.
    """
    lines: list[str] = []
    outside = [nodes_outside(home)] if privileges.drop() == "setuid" else []
    for folder in (home.root, *outside):
        if folder.exists():
            parts = sorted(folder.glob("nodes/*" if folder == home.root else "*"))
            lines.extend(f"{part} ({_size_mb(part):.1f} MB)" for part in parts)
            lines.append(str(folder))
            shutil.rmtree(folder)
    return lines


def _size_mb(folder: Path) -> float:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total / 1e6
