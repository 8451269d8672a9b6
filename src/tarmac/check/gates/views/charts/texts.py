"""The templates of charts as texts, and all values that are beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk

_VALUES = re.compile(r"(values[-._].*|.*[-._]values|ci/.*values.*)\.ya?ml")
_ENDS = (".yaml", ".yml", ".tpl", ".json", ".txt")
_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)


def chart_texts(files: Files, folder: str) -> Iterator[tuple[str, str]]:
    """Yield where each template of a chart is, and what is in it; comments are blank lines."""
    if (root := on_disk(files, folder)) is None:
        return
    for file in sorted((root / "templates").rglob("*")):
        if file.is_file() and file.name.endswith(_ENDS):
            text = file.read_text(encoding="utf-8", errors="replace")
            shown = file.relative_to(root).as_posix()
            where = f"{folder}/{shown}" if folder else shown
            yield where, _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)


def values_beside(files: Files, folder: str) -> list[Artifact]:
    """List the other files of values in a chart's folder."""
    found = []
    above = f"{folder}/" if folder else ""
    for one in files.below(folder) if above else files.artifacts:
        is_own = one.path.startswith(above) and _VALUES.fullmatch(one.path.removeprefix(above))
        if is_own and one.data and not one.is_object:
            found.append(one)
    return found
