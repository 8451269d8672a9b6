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

#: Texts of a topic that are kept, and bytes; one of a large overlay has 500 KB, and a repository of
#: charts with all of their values has some hundreds. With fewer, each run would make all again.
MOST, MOST_BYTES = 4000, 300_000_000
#: So many more are made before the oldest are deleted: it takes a look at all of them.
MORE = 100


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
    if sum(1 for _ in folder.iterdir()) % MORE == 0:
        _tidy(folder)


def _tidy(folder: Path) -> None:
    """Delete the oldest, as far as there are too many or too large ones."""
    found = [(path, path.stat()) for path in folder.glob("*.yaml")]
    found.sort(key=lambda one: one[1].st_mtime, reverse=True)
    total = 0
    for number, (path, about) in enumerate(found):
        total += about.st_size
        if number >= MOST or total > MOST_BYTES:
            path.unlink(missing_ok=True)
