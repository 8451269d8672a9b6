"""Makes patches of the findings that can be corrected in one way, and applies them.

A fix replaces one scalar in the line of its finding. Nothing else of a file changes: neither its
comments, nor its layout.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tarmac.base import writing
from tarmac.base.foreign import files
from tarmac.base.foreign.data import parsed
from tarmac.base.report import Finding, Fix


@dataclass(frozen=True)
class FilePatch:
    """A file before and after its fixes."""

    path: Path
    before: str
    after: str
    #: How many fixes it holds.
    number: int

    def diff(self) -> str:
        """Write it as a unified diff."""
        old, new = (text.splitlines(keepends=True) for text in (self.before, self.after))
        name = self.path.as_posix().lstrip("/")
        lines = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def patches(findings: Iterable[Finding]) -> Iterator[FilePatch]:
    """Make the patch of each file that has findings with a fix, which stay as they are on disk.

    A fix whose scalar is not in the line, or twice, is left to the reader.
    """
    by_file: dict[str, set[tuple[int, Fix]]] = {}
    for finding in findings:
        name, line, _ = finding.position
        if finding.fix is not None and line is not None:
            by_file.setdefault(name, set()).add((line, finding.fix))
    for name, wanted in sorted(by_file.items()):
        path = Path(name)
        if path.is_symlink():
            continue
        # Line ends and a byte order mark stay as they are.
        before = files.content(path).decode()
        edits = sorted(edit for line, fix in wanted for edit in _edit(before, line, fix))
        after = before
        for start, end, new in reversed(edits):
            after = f"{after[:start]}{new}{after[end:]}"
        if edits and _is_yaml(after):
            yield FilePatch(path, before, after, len(edits))


def _edit(text: str, line: int, fix: Fix) -> list[tuple[int, int, str]]:
    """Find the scalar that is replaced, by its offsets; none where that is not one."""
    found = [
        (token.start_mark.index, token.end_mark.index, fix.new)
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if isinstance(token, yaml.ScalarToken)
        and token.start_mark.line == token.end_mark.line == line - 1
        and token.value == fix.old
    ]
    return found if len(found) == 1 else []


def _is_yaml(text: str) -> bool:
    try:
        return any(True for _ in parsed(text))
    except yaml.YAMLError:
        return False


def apply(patch: FilePatch) -> None:
    """Write a file as a whole, with the permissions that it had."""
    writing.write_file(patch.path, patch.after)
