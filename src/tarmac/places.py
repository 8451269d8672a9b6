"""Where this machine keeps what belongs to no project.

A leaf: whoever makes something once per machine, or looks for it, asks here.
"""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Find or make the folder for what is made once per machine, e.g. an empty database."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "tarmac"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
