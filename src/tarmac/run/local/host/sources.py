"""The source files that a service runs from: which count, and whether any of them was edited."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

#: Folders that are never part of what runs: tools write there, and tests are run by others.
SKIPPED = frozenset(
    {
        *("__pycache__", "node_modules", "tests", ".venv", ".git", ".hg", ".tarmac"),
        *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".idea", ".vscode"),
    }
)
#: What editors leave beside a file while it is open or being saved, and compiled files.
_LEFT = re.compile(r"^(?:\.#|#.*#$|4913$|\.DS_Store$)|(?:~|\.sw[a-z]|\.py[co]|___jb_\w+___)$")


def is_part(path: Path) -> bool:
    """Tell whether a file, its path seen from a folder of sources, is part of what runs."""
    return not SKIPPED.intersection(path.parts) and not _LEFT.search(path.name)


def digest_of(sources: Iterable[str]) -> str:
    """Digest the time and size of every file of these folders."""
    digest = hashlib.sha256()
    for source in sources:
        for line in _files(Path(source)):
            digest.update(line.encode())
    return digest.hexdigest()


def _files(folder: Path) -> list[str]:
    found = []
    if folder.is_file():
        status = folder.lstat()
        return [f"{folder} {status.st_mtime_ns} {status.st_size}\n"]
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in files:
            if _LEFT.search(name):
                continue
            try:
                status = Path(root, name).lstat()  # it may be a link to nowhere
            except OSError:
                continue  # the file of an editor that was just saving
            found.append(f"{root}/{name} {status.st_mtime_ns} {status.st_size}\n")
    return sorted(found)
