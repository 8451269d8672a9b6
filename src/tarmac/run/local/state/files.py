"""Writes files whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(
    path: Path, content: str, mode: int = 0o600, *, power_cut: bool = False
) -> None:
    """Write a file under another name, then rename it: a reader or a crash never sees half.

    Args:
        power_cut: it must survive one. That takes some milliseconds.
    """
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)  # of a writer that was killed; there is one at a time
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            if power_cut:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
