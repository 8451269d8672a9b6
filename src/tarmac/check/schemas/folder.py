"""Makes a folder of schemas whole or not at all; used where they are unpacked and downloaded."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `folder` at the end; after an error nothing is left.

    Where another process has made `folder` meanwhile, that one stays.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        yield made
        with contextlib.suppress(OSError):
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
