"""The edits of tests/foreign/corpus/started.yaml: other lines in the place of some of a file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

#: What is still called a small edit.
MOST_LINES = 5


def edited(text: str, edit: Mapping[str, Sequence[str]]) -> str:
    """Put other lines in the place of some. Raises LookupError for one that is not there once."""
    lines = text.split("\n")
    for old, new in edit.items():
        if lines.count(old) != 1:
            raise LookupError(f"{lines.count(old)} lines are {old!r}; correct the edit")
        at = lines.index(old)
        lines[at : at + 1] = new
    return "\n".join(lines)


def changed_lines(edit: Mapping[str, Sequence[str]]) -> int:
    """Count the lines that an edit adds or changes."""
    return sum(
        line.startswith("+ ")
        for old, new in edit.items()
        for line in difflib.ndiff([old], list(new))
    )
