"""Keeps what programs made of files, by the content of these: a second run starts no program.

Used by `verify`, for overlays and charts, and by gates that ask a program of others.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.base.places import cache_folder

#: Texts of a topic that are kept; one of a large overlay has 500 KB.
MOST = 400


def kept(parts: Iterable[str | bytes], make: Callable[[], str], topic: str = "built") -> str:
    """Return what was made of the same parts before, or make it now.

    Args:
        topic: a folder of the cache.
    """
    name = f"{digest(parts)}.yaml"
    try:
        folder = cache_folder() / topic
    except TarmacError:  # without a cache it is made each time
        return make()
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (folder / name).read_text(encoding="utf-8")
    made = make()
    with contextlib.suppress(OSError):
        _write(folder, name, made)
    return made


def digest(parts: Iterable[str | bytes]) -> str:
    """Digest some parts, each by itself."""
    found = hashlib.sha256()
    for part in parts:
        raw = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        found.update(f"{len(raw)}:".encode())
        found.update(raw)
    return found.hexdigest()


def _write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(folder / name)
    texts = sorted(folder.glob("*.yaml"), key=lambda path: path.stat().st_mtime)
    for path in texts[:-MOST]:
        path.unlink(missing_ok=True)
