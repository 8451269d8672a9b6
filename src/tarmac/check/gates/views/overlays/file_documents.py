"""Documents of files as they are on disk, beside what was built of them."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from tarmac.base.foreign.data import parsed


def documents(place: Path) -> tuple[Any, ...]:
    """Read all documents of a file; none where one of them is not YAML."""
    there = place.stat()
    return _read(place.absolute(), there.st_mtime_ns, there.st_size)


@lru_cache(maxsize=4096)  # it is asked for in each tree of a folder
def _read(place: Path, _changed_ns: int, _size: int) -> tuple[Any, ...]:
    """Read a file as it was at a time, up to what is not YAML."""
    found: list[Any] = []
    with suppress(yaml.YAMLError):
        for _, data in parsed(place.read_text(encoding="utf-8", errors="replace")):
            found.append(data)
    return tuple(found)
