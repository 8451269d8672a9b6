"""Where the judged files are on disk."""

from __future__ import annotations

from pathlib import Path

from tarmac.check.gates.subject import Files


def on_disk(files: Files, path: str) -> Path | None:
    """Find a file or folder by the path that an artifact has, or one beside it would have.

    Paths begin with the judged folder where that is another one than where the program runs. None:
    the files are not on disk.
    """
    if files.folder is None:
        return None
    inside, own = files.folder / path, Path(path)
    return own if own.is_relative_to(files.folder) and not inside.exists() else inside
