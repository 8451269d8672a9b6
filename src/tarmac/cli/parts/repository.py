"""Shows a repository to `tarmac.adopt`, which itself opens nothing: a listing and a reader."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tarmac.adopt.containers.compose_file import NAMES
from tarmac.adopt.survey.found import SKIPPED, Folder
from tarmac.base.errors import BadInput, MissingTool
from tarmac.base.foreign import files, git
from tarmac.cli.parts import helm_charts

#: A repository of ten thousand files is listed in a tenth of a second; more says nothing more.
MOST_FILES = 20_000
DEEPEST = 8
#: A source file is kilobytes; what is larger was made by a program.
MOST_BYTES = 200_000
#: A file that lists a system's services has all of them, and one of locked packages each of those.
MOST_OF_A_SYSTEM = 2_000_000
_LOCKS = frozenset({"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"})


def open_repository(root: Path, skip: Callable[[str, str], object]) -> Folder:
    """List a repository's files and say how to read them.

    Args:
        skip: takes down which file is passed over, and why.
    """

    listed = _files(root, skip)
    charts = helm_charts.rendered(root, listed, skip)

    def read(name: str) -> str:
        if name in charts:
            return charts[name]
        path = root / name
        if not os.path.lexists(path) or os.path.isdir(path):  # noqa: PTH112 - no error of odd names
            return ""
        # Only a path that says so leads out of the repository; a link in it does not.
        is_inside = not os.path.normpath(name).startswith(("../", "/"))
        within = root if is_inside else None
        try:
            limit = MOST_OF_A_SYSTEM if path.name in _LOCKS.union(NAMES) else MOST_BYTES
            # What a shell of Windows wrote: `pip freeze > requirements.txt`. pip reads it.
            marked = path.suffix == ".txt"
            return files.text(path, name=name, limit=limit, root=within, marked=marked)
        except BadInput as error:
            skip(error.problems[0].where, error.problems[0].what)
            return ""

    def exists(name: str) -> bool:
        return os.path.exists(root / name)  # noqa: PTH110 - no error of odd names

    def changed(name: str) -> str:
        try:
            said = git.run(root, "log", "-1", "--format=%cs", "--", name)
        except MissingTool:
            return ""
        return "" if said.returncode else said.stdout.decode().strip()

    def starts(name: str) -> bool:
        path = root / name
        return not path.is_file() or os.access(path, os.X_OK)

    return Folder("", tuple(sorted({*listed, *charts})), read, exists, skip, changed, starts)


def _files(root: Path, skip: Callable[[str, str], object]) -> list[str]:
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        below = Path(folder).relative_to(root)
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        if len(below.parts) >= DEEPEST:
            folders.clear()
        for name in names:
            path = (below / name).as_posix()
            if path.isprintable():
                found.append(path)
            else:
                skip(files.shown(path), "its name has characters that cannot be shown; rename it")
        if len(found) >= MOST_FILES:
            break
    return sorted(found[:MOST_FILES])
