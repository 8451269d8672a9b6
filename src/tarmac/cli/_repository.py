"""Shows a repository to `tarmac.adopt`, which itself opens nothing: a listing and a reader."""

from __future__ import annotations

import os
from pathlib import Path

from tarmac.adopt._found import SKIPPED, Folder

#: A repository of ten thousand files is listed in a tenth of a second; more says nothing more.
MOST_FILES = 20_000
DEEPEST = 8
#: A source file is kilobytes; what is larger was made by a program.
MOST_BYTES = 200_000


def open_repository(root: Path) -> Folder:
    """List a repository's files and say how to read them."""

    def read(name: str) -> str:
        path = root / name
        try:
            if path.stat().st_size > MOST_BYTES or not path.is_file():
                return ""
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    return Folder("", _files(root), read, lambda name: (root / name).exists())


def _files(root: Path) -> tuple[str, ...]:
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        below = Path(folder).relative_to(root)
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        if len(below.parts) >= DEEPEST:
            folders.clear()
        found += [(below / name).as_posix() for name in files]
        if len(found) >= MOST_FILES:
            break
    return tuple(sorted(found[:MOST_FILES]))
