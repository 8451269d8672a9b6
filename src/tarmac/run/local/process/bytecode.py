"""Removes compiled Python that is older than its source and would be taken for its like.

Python compares a module's time in whole seconds and its size: after an edit of the same second and
size it runs what was compiled before. Used before a service is started, and by the watch.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from tarmac.run.local.host.sources import SKIPPED

CACHE = "__pycache__"
#: A file that was compiled so soon after its source was saved may have been read before.
MARGIN_NS = 50_000_000


def forget(path: Path) -> None:
    """Remove the compiled form of an edited module."""
    if path.suffix == ".py":
        for compiled in (path.parent / CACHE).glob(f"{path.stem}.*.pyc"):
            with contextlib.suppress(OSError):
                compiled.unlink()


def forget_stale(sources: Iterable[str]) -> None:
    """Remove what is older than its source, in all folders of these."""
    for source in sources:
        for folder, folders, _ in os.walk(source):
            if CACHE in folders:
                with contextlib.suppress(OSError):  # it was just being removed
                    _forget_in(Path(folder))
            folders[:] = [name for name in folders if name not in SKIPPED]


def _forget_in(folder: Path) -> None:
    for compiled in os.scandir(folder / CACHE):
        name = compiled.name.partition(".")[0]
        with contextlib.suppress(OSError):  # its source is gone
            saved_ns = (folder / f"{name}.py").stat().st_mtime_ns
            if compiled.stat().st_mtime_ns < saved_ns + MARGIN_NS:
                Path(compiled.path).unlink()
