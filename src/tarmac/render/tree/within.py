"""Writes into a folder with other files: a user's repository.

Called by `folder` for what is rendered for a code repository. Nothing but the rendered files and
the lock is looked at or touched, however many others there are; so each file is replaced by itself,
and the lock is the last. After `kill -9` in between, the next render finishes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tarmac.base import writing
from tarmac.render.tree.decision import above
from tarmac.render.tree.swap import FolderBusy


@contextlib.contextmanager
def held(folder: Path) -> Iterator[writing.Root]:
    """Keep other renders out of a folder; yield it open. Raises FolderBusy where one holds it."""
    with writing.made(folder) as root:
        try:
            fcntl.flock(root.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderBusy(
                f"{folder}: another render is writing there; wait until it is done"
            ) from None
        yield root


def scan(folder: Path, paths: Iterable[str]) -> dict[str, os.stat_result]:
    """List what is there of these paths and the folders above them; links are not followed."""
    found: dict[str, os.stat_result] = {}
    for path in {part for wanted in paths for part in (wanted, *above(wanted))}:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found[path] = (folder / path).lstat()
    return found


def write(
    root: writing.Root,
    contents: Mapping[str, tuple[bytes, bool]],
    removed: Iterable[str],
    last: str,
) -> None:
    """Replace files, each as a whole, and take away those that are not rendered any more.

    Args:
        contents: what each file holds, and whether it can be executed; by path.
        last: the path that is written when all others are.
    """
    for path in sorted(contents, key=lambda name: (name == last, name)):
        content, executable = contents[path]
        mode = 0o755 if executable else 0o644
        writing.write(root, path, content, mode=mode, replaces_link=True)
    for path in removed:
        writing.remove(root, path)
