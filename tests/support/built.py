"""Finds what the scripts of .ci have built or brought into the cache outside of the repository."""

from __future__ import annotations

import os
from pathlib import Path


def newest(pattern: str) -> Path | None:
    """Find a file of the newest build that has it; None where there is none.

    An older build, which another version of its script has made, may lack what was added since.

    Args:
        pattern: below the folder of all programs; its first part is the build's own folder.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    programs = cache / "tarmac/programs"

    def made_at(found: Path) -> float:
        return (programs / found.relative_to(programs).parts[0]).lstat().st_ctime

    return max(programs.glob(pattern), key=made_at, default=None)
