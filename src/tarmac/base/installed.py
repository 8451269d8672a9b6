"""Finds the programs that are installed on this machine; every part of Tarmac asks here.

A leaf. `TARMAC_PATH_ONLY=1` restricts it to PATH: a result then does not depend on what a machine
happens to have elsewhere. The presubmit tests run so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

#: With this variable set, folders that PATH does not name are not searched.
PATH_ONLY = "TARMAC_PATH_ONLY"


def find_program(name: str, path: str | None = None) -> str | None:
    """Return the path of an executable, or None.

    Args:
        name: a name on PATH, or a path.
        path: folders to search, separated as PATH is; PATH itself if None.
    """
    return shutil.which(name, path=path)


def find_paths(pattern: str) -> Iterator[Path]:
    """Yield what matches an absolute glob pattern, in no order; nothing with TARMAC_PATH_ONLY."""
    if not os.environ.get(PATH_ONLY):
        yield from Path("/").glob(pattern.lstrip("/"))
