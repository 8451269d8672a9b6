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


def text_on_disk(files: Files, path: str, most: int | None = None) -> str | None:
    """Read a file by the path that an artifact has, or one beside it would have.

    Args:
        most: a file of so many bytes, or more, is not read; None: each is.

    Returns:
        Its text; None where there is no such file, or a larger one.
    """
    place = on_disk(files, path)
    if place is None or not place.is_file():
        return None
    if most is not None and place.stat().st_size >= most:
        return None
    return place.read_text(encoding="utf-8", errors="replace")
