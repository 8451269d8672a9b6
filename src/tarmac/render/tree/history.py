"""A rendered file as it was before it was edited, from the user's own git history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tarmac.base.errors import MissingTool
from tarmac.base.foreign import git


def earlier(file: Path) -> Iterator[bytes]:
    """Yield a file's content in git's index and last commit; nothing where there is no git."""
    for revision in (":", "HEAD:"):
        try:
            shown = git.run(file.parent, "show", f"{revision}./{file.name}")
        except (MissingTool, OSError):
            return
        if shown.returncode == 0:
            yield shown.stdout


def is_changed(file: Path) -> bool:
    """Tell whether git would take a change of a file into the next commit; not without git."""
    try:
        asked = git.run(file.parent, "status", "--porcelain", "--", file.name)
    except (MissingTool, OSError):
        return False
    return asked.returncode == 0 and bool(asked.stdout.strip())
