"""Folders of Terraform with the folders of their local modules, and the blocks of their files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.terraform.comments import HEREDOC, uncommented
from tarmac.check.gates.views.terraform.filled import filled_sources, sources
from tarmac.check.gates.views.terraform.settings import Setting, settings

_LOCAL = re.compile(r"^\.{1,2}/")
_OPENING = re.compile(r'^([a-z]\w*)((?:\s+"[^"]*")*)\s*\{')
_COMMENT = re.compile(r"^[ \t]*(#|//).*|\s#\s.*$")


@dataclass(frozen=True)
class TerraformRoot:
    """A folder that no other one calls, with the local modules that it is made of."""

    folder: str
    settings: tuple[Setting, ...]
    #: All its files, one after the other.
    text: str


@dataclass(frozen=True)
class TerraformBlock:
    """A block at the top of a file."""

    #: `("resource", "aws_subnet", "public")`.
    names: tuple[str, ...]
    file: str
    #: Its lines by their numbers, without comments.
    lines: tuple[tuple[int, str], ...]

    @property
    def text(self) -> str:
        """Its lines, one after the other."""
        return "\n".join(line for _, line in self.lines)

    def has(self, where: str) -> bool:
        """Tell whether a place, `FILE:LINE`, is in it."""
        file, _, line = where.rpartition(":")
        return file == self.file and self.lines[0][0] <= int(line) <= self.lines[-1][0]


def roots(files: Files) -> list[TerraformRoot]:
    """List the roots; what a module's `source` names outside of the files is not followed."""
    found: dict[str, list[Setting]] = {}
    calls: dict[str, set[str]] = {}
    for setting in settings(files):
        folder = posixpath.dirname(setting.file)
        found.setdefault(folder, []).append(setting)
        calls.setdefault(folder, set())
        is_source = setting.path[0] == "module" and setting.path[2:] == ("source",)
        if is_source and _LOCAL.match(setting.value or ""):
            calls[folder].add(posixpath.normpath(posixpath.join(folder, setting.value or "")))
    texts: dict[str, list[str]] = {}
    for source in sources(files):
        texts.setdefault(posixpath.dirname(source.path), []).append(str(source.content))
    called = {name for names in calls.values() for name in names}
    return [
        TerraformRoot(
            folder,
            tuple(one for name in names for one in found.get(name, ())),
            "\n".join(text for name in names for text in texts.get(name, ())),
        )
        for folder in found
        if folder not in called
        for names in [_reached(folder, calls)]
    ]


def _reached(folder: str, calls: dict[str, set[str]]) -> list[str]:
    reached = [folder]
    for name in reached:
        reached += sorted(calls.get(name, set()) - set(reached))
    return reached


def blocks(files: Files) -> Iterator[TerraformBlock]:
    """Yield the blocks at the top of each file that is formatted as Terraform does.

    The values of locals and variables that are known are put in.
    """
    for source in filled_sources(files):
        yield from _blocks(source.path, source.filled)


def written_blocks(files: Files) -> Iterator[TerraformBlock]:
    """Yield these blocks as they are written."""
    for source in filled_sources(files):
        yield from _blocks(source.path, source.text)


@lru_cache(maxsize=512)  # several gates ask, and environments share modules
def _blocks(path: str, text: str) -> tuple[TerraformBlock, ...]:
    found = []
    names: tuple[str, ...] = ()
    lines: list[tuple[int, str]] = []
    end = ""
    for number, written in enumerate(uncommented(text).splitlines(), 1):
        line = _COMMENT.sub("", written) if "#" in written or "//" in written else written
        if end:  # what is within a text ends no block
            lines.append((number, line))
            end = "" if written.strip() == end else end
            continue
        if text_of := HEREDOC.search(line):
            end = text_of[1]
        if opening := _OPENING.match(line):
            names, lines = (opening[1], *re.findall(r'"([^"]*)"', opening[2])), []
        if names:
            lines.append((number, line))
        if names and (line.startswith("}") or (opening and line.rstrip().endswith("}"))):
            found.append(TerraformBlock(names, path, tuple(lines)))
            names = ()
    return tuple(found)
