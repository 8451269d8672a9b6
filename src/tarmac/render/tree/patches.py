"""Edits of rendered files, kept as unified diffs: made here, and applied here at every render.

Pure: text in, text out. `unidiff` reads a patch; that a hunk is applied only where it fits without
a doubt is ours: nothing is guessed, because what comes out is deployed.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchSet

from tarmac.base.errors import Problem

#: Lines around an edit: three, as everywhere, or more where three occur twice in the file.
CONTEXT, MOST_CONTEXT = 3, 24
NO_NEWLINE = "\\ No newline at end of file"


class DoesNotApply(Exception):
    """A patch that no longer applies; holds what is wrong, for a reader."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def make(path: str, before: str, after: str, least: int = CONTEXT) -> str:
    """Write the difference of a file's two texts as a patch, each of whose hunks fits once.

    Args:
        least: lines around an edit; more where these occur twice in the file.
    """
    for context in range(least, MOST_CONTEXT + 1):
        patch = _diff(path, before, after, context)
        if all(len(_places(_read(h).old, _lines(before))) == 1 for h in PatchSet(patch)[0]):
            break
    return patch


def apply(patch: str, text: str, *, name: str, path: str) -> str:
    """Apply a patch to a file's text.

    A hunk goes where its line numbers say, moved as the hunks before it were; or, if it does not
    fit there, where it does, if that is one place.

    Args:
        name: the patch's own path, for an error.
        path: the file's.

    Raises:
        DoesNotApply: a hunk fits nowhere or in several places, or it is not a patch of one file.
    """
    hunks = _hunks(patch, name)
    lines, moved, end = _lines(text), 0, 0
    done: list[str] = []
    for number, hunk in enumerate(hunks, 1):
        places = [place for place in _places(hunk.old, lines) if place >= end]
        expected = hunk.start + moved
        if expected not in places and len(places) != 1:
            raise DoesNotApply(Problem(name, _reason(number, hunk, path, places, hunks, lines)))
        place = expected if expected in places else places[0]
        done += [*lines[end:place], *hunk.new]
        end, moved = place + len(hunk.old), place - hunk.start
    return "".join([*done, *lines[end:]])


@dataclass(frozen=True)
class _Change:
    """A hunk: lines that must be there, the lines that replace them; where, counted from 0."""

    start: int
    old: list[str]
    new: list[str]
    header: str


def _hunks(patch: str, name: str) -> list[_Change]:
    try:
        files = PatchSet(patch)
    except UnidiffParseError as error:
        what = f"is not a unified diff ({str(error).strip()}); correct it, or delete it"
        raise DoesNotApply(Problem(name, what)) from None
    if len(files) != 1 or not files[0]:
        what = f"changes {len(files)} files; a patch changes one"
        raise DoesNotApply(Problem(name, what))
    return [_read(hunk) for hunk in files[0]]


def _read(hunk: Hunk) -> _Change:
    old: list[str] = []
    new: list[str] = []
    sides = [old, new]
    for line in hunk:
        if line.line_type == "\\":  # the line before it ends without a newline
            for side in sides:
                side[-1] = side[-1].removesuffix("\n")
            continue
        sides = [old] * (not line.is_added) + [new] * (not line.is_removed)
        for side in sides:
            side.append(line.value)
    # Of a hunk without old lines, the number is that of the line before it.
    start = hunk.source_start - 1 if old else hunk.source_start
    return _Change(start, old, new, str(hunk).partition("\n")[0])


def _places(old: list[str], lines: list[str]) -> list[int]:
    last = len(lines) - len(old)
    return [place for place in range(last + 1) if lines[place : place + len(old)] == old]


def _reason(
    number: int, hunk: _Change, path: str, places: list[int], hunks: list[_Change], text: list[str]
) -> str:
    which = f"hunk {number} of {len(hunks)} ({hunk.header})"
    if places:
        at = ", ".join(str(place + 1) for place in places[:5])
        return f"{which} fits {path} in several places (lines {at}); create it again"
    if all(len(_places(other.new, text)) == 1 for other in hunks):
        return f"{which} does not apply to {path}, which already contains its lines; delete it"
    return (
        f"{which} no longer applies to {path}; fix it by hand, or delete it, render, "
        "edit the file again and `--patch` it"
    )


def _lines(text: str) -> list[str]:
    """Split at newlines and nothing else: a form feed is a part of its line."""
    *whole, rest = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([rest] if rest else [])]


def _diff(path: str, before: str, after: str, context: int) -> str:
    found = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}", n=context)
    return "".join(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}\n" for line in found)
