"""Reads a drill with its kind: from its file, or from a journal to repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files
from tarmac.drill import needs
from tarmac.drill.drill import Drill
from tarmac.drill.file import drill_file
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Draw
from tarmac.drill.report import comparison
from tarmac.model.system import System


@dataclass(frozen=True)
class ReadDrill:
    """A drill's file, its kind, and what it does not show of the system."""

    path: Path
    file: DrillFile
    kind: Drill
    #: Its text.
    text: str
    gaps: Sequence[str]


def read(system: System, path: Path) -> ReadDrill:
    """Read a drill's file. Raises BadInput."""
    content = files.content(str(path))
    return _with_kind(system, path, drill_file.read(str(path), content, system), content.decode())


def of_journal(system: System, path: Path) -> ReadDrill:
    """Read the drill that a journal is of, to repeat it with what was drawn. Raises BadInput."""
    written = comparison.read(path)
    text, seed = written["definition"], written["seed"]
    file = drill_file.read(f"{path}: definition", text.encode(), system)
    if seed is not None:
        draw = (file.draw or Draw()).model_copy(update={"seed": seed})
        file = file.model_copy(update={"draw": draw})
    return _with_kind(system, Path(f"{written['drill']}.yaml"), file, text, shown=path)


def _with_kind(
    system: System, path: Path, file: DrillFile, text: str, shown: Path | None = None
) -> ReadDrill:
    known = needs.kinds()
    if file.kind not in known:
        what = f"unknown kind '{file.kind}'; {', '.join(known)}"
        raise BadInput([Problem(str(shown or path), what)])
    kind = known[file.kind]
    return ReadDrill(path, file, kind, text, kind.gaps(file, system))
