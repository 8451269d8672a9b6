"""Programs beside the judged files, as they are on disk: read where a gate has a reason to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tarmac.base.foreign.files import MAX_BYTES
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once

_ENDINGS = (".py", ".js", ".mjs", ".cjs", ".ts", ".go", ".java", ".kt", ".rb", ".php", ".cs", ".rs")
#: What others wrote or a program made.
_OTHERS = frozenset(
    ("node_modules", "vendor", "venv", "site-packages", "__pycache__", "target", "dist", "build")
)
#: So many are read; of a larger repository it is not known what is in the rest.
_MOST = 2000


class ProgramText(NamedTuple):
    """A file of a program."""

    path: Path
    text: str


@once
def program_texts(files: Files) -> Iterator[ProgramText]:
    """Yield the programs of a folder; none of one that has too many."""
    found = list(_paths(files.folder)) if files.folder is not None else []
    for path in found if len(found) <= _MOST else ():
        try:
            is_small = path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_BYTES
            text = path.read_text("utf-8", "replace") if is_small else ""
        except OSError:
            continue
        yield ProgramText(path, text)


def _paths(folder: Path) -> Iterator[Path]:
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if one not in _OTHERS and one[0] != ".")
        for name in sorted(names):
            if name.endswith(_ENDINGS):
                yield Path(place, name)
                count += 1
        if count > _MOST:
            return
