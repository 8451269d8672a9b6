"""Copies of a system's folder, for tests that edit its file."""

from __future__ import annotations

import shutil
from pathlib import Path

from rendered import ROOT


def copy_of(system: str, folder: Path) -> Path:
    """Copy a system's folder; the services are the repository's own. Returns its file."""
    (folder / "services").symlink_to(ROOT / "services")
    kept = shutil.ignore_patterns(".tarmac", "deploy")
    own = folder / "systems" / system
    shutil.copytree(ROOT / "systems" / system, own, ignore=kept)
    for shared in (ROOT / "systems").glob("*.py"):
        shutil.copy(shared, own.parent)
    return own / "tarmac.yaml"
