"""What a file of this package says of a language's tools."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tarmac.base.toolchains.ranges import Range, Version, ranges, version


@dataclass(frozen=True)
class Wish:
    """The versions that a file asks for."""

    #: As it is written there, e.g. `>=22`.
    text: str
    #: `file:line`, the file from where it was looked for.
    place: str
    wanted: tuple[Range, ...]
    #: Its tools refuse others; else they are only what the repository is tried with.
    is_strict: bool = True


@dataclass(frozen=True)
class Source:
    """A file that may hold a wish, and how."""

    file: str
    #: Its first group is the wish; lines begin and end at ^ and $.
    pattern: str
    is_strict: bool = True
    #: Makes a range of what is written: a plain number means this one and newer.
    as_range: Callable[[str], str] = str


@dataclass(frozen=True)
class Toolchain:
    """A language's tools: by what they are known, what asks for a version, and where others are."""

    id: str
    title: str
    #: The program whose version counts, and what makes it print that.
    program: str
    ask: tuple[str, ...]
    #: Commands that need it, as a pattern of one word.
    used_by: str
    #: The first that says something counts.
    sources: tuple[Source, ...]
    #: Folders with programs of one version, with `~` and `*`; the version is in the path.
    folders: tuple[str, ...]
    #: How to get a version; `{0}` is it.
    get: str
    #: How many of a version's numbers say which it is; the rest are corrections of it.
    numbers: int = 2
    #: A variable that names the folder above the programs' own.
    home_variable: str = ""
    #: A file beside the program that makes this all needless: the project has its own.
    instead: str = ""
    #: A command that names the version itself; its first group is that. "": none does.
    named: str = ""
    #: Reads a version that the program prints, or that a folder's name has.
    reads: Callable[[str], Version] = version


def at_least(text: str) -> str:
    """Read a plain number as the oldest version."""
    return f">={text}"


def same_major(text: str) -> str:
    """Read a full version as any of its major one."""
    return text.split(".", maxsplit=1)[0]


def wish(toolchain: Toolchain, folder: str, read: Callable[[str], str]) -> Wish | None:
    """Find what is asked for in one folder; None where no file says it.

    Args:
        read: gives a file's text, "" for one that is not there.
    """
    for source in toolchain.sources:
        path = f"{folder}{source.file}"
        text = read(path)
        match = re.search(source.pattern, text, re.MULTILINE) if text else None
        if match is None:
            continue
        said = next(group for group in match.groups() if group is not None).strip()
        if wanted := ranges(source.as_range(said)):
            line = text.count("\n", 0, match.start(match.lastindex or 0)) + 1
            return Wish(said, f"{path}:{line}", wanted, source.is_strict)
    return None


def uses(toolchain: Toolchain, command: str) -> bool:
    """Tell whether a command runs the language's tools."""
    return bool(re.search(rf"(?<![\w./-])(?:\./)?(?:{toolchain.used_by})(?=\s|$)", command))


def named_in(toolchain: Toolchain, commands: Iterable[str]) -> Wish | None:
    """Find the version that a command names, as `python3.8 -m venv` does; None where none does."""
    found = (re.search(toolchain.named, one) for one in commands if toolchain.named)
    match = next(filter(None, found), None)
    return Wish(match[1], f"`{match[0]}`", ranges(match[1]), is_strict=False) if match else None
