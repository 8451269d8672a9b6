"""Reads the variables that a README has people write into a `.env`, or set in their shell.

`dotenv_files` asks where a repository has neither that file nor an example of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.adopt.survey.found import Folder

#: Where a repository tells its developers what to do.
_TOLD = (
    *("README.md", "readme.md", "Readme.md", "README.rst", "docs/README.md", "CONTRIBUTING.md"),
    *("docs/setup.md", "docs/SETUP.md", "docs/INSTALLATION.md", "docs/installation.md", "SETUP.md"),
)
#: The line that begins a block of code, with the block's language.
_FENCE = re.compile(r"[ \t]*(```+|~~~+)[ \t]*([\w.+-]*)[^`]*")
#: So many characters before a block say what it is.
_BEFORE = 300
#: A line of a file of variables.
_LINE = re.compile(r"(?:export[ \t]+)?([A-Z][A-Z0-9_]*)=(.*)")
#: What a shell sets before a program is started.
_SET = re.compile(r"(?m)^[ \t]*(?:\$ )?export[ \t]+([A-Z][A-Z0-9_]*=[^\s;&|$`]+)[ \t]*(?:#.*)?$")
_HAS_TO = re.compile(r"(?i)environment (?:variable|selector)|in your shell|required|must be set")
_IS_NAMED = re.compile(r"(?<![\w/])\.env(?![\w.])")
_LANGUAGES = frozenset(
    {"", "env", "dotenv", "ini", "properties", "sh", "bash", "shell", "text", "txt"}
)
#: What a README writes in the place of a value that its reader has.
_OPEN = re.compile(
    r"(?i)[\"']?(?:\.{3,}|…|<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\}|x{3,}\w*|(?:your|my)[-_ ].*|"
    r"\S*(?:://|@)(?:your|my)[-_]\S*|\S*\.\.\.\S*)[\"']?(?:[ \t]+#.*)?"
)
#: More text than a README has.
_LONGEST = 100_000


def text_of(folder: Folder) -> tuple[str, str]:
    """Return the lines of the file of variables that a README shows, and the README.

    Only the first block counts: others are for production, or for other programs.
    """
    for file in _TOLD:
        text = folder.read(file)[:_LONGEST] if file in folder.files else ""
        blocks = [*_blocks(text)]
        lines = next(filter(None, map(_lines, blocks)), [])
        names = {line.partition("=")[0] for line in lines}
        lines += [line for line in _exports(blocks) if line.partition("=")[0] not in names]
        if lines:
            return "\n".join(lines), file
    return "", ""


class _Block(NamedTuple):
    """A block of code."""

    language: str
    text: str
    #: What stands before it, behind the block before.
    before: str


def _blocks(text: str) -> Iterator[_Block]:
    """Yield the blocks of code of a text in Markdown."""
    before: list[str] = []
    own: list[str] = []
    mark, language = "", ""
    for line in text.splitlines():
        fence = _FENCE.fullmatch(line)
        if mark and line.strip() == mark:
            yield _Block(language, "\n".join(own), "\n".join(before)[-_BEFORE:])
            mark, before, own = "", [], []
        elif mark:
            own.append(line)
        elif fence:
            mark, language = fence[1], fence[2].lower()
        else:
            before.append(line)


def _lines(block: _Block) -> list[str]:
    """List the lines of a block that is a file of variables; [] for another one."""
    own = [line.strip() for line in block.text.splitlines()]
    own = [line for line in own if line and not line.startswith("#")]
    said = [match for line in own if (match := _LINE.fullmatch(line))]
    is_file = block.language in ("env", "dotenv") or _IS_NAMED.search(block.before)
    if not said or len(said) < len(own) or not is_file or block.language not in _LANGUAGES:
        return []
    kept = (match for match in said if not _OPEN.fullmatch(match[2].strip()))
    return [f"{match[1]}={match[2]}" for match in kept]


def _exports(blocks: list[_Block]) -> Iterator[str]:
    """Yield what the README has people set in their shell, where it says that they have to."""
    for block in blocks:
        if not _HAS_TO.search(block.before):
            continue
        for line in _SET.findall(block.text):
            if not _OPEN.fullmatch(line.partition("=")[2]):
                yield line
