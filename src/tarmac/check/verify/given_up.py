"""Folders whose README says that they are no longer used or maintained."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePath

#: It says so at its beginning.
_LINES, _MOST = 25, 20_000
_NAMES = ("README.md", "readme.md", "README.rst", "README", "README.txt", "README.adoc")
_STATE = (
    r"(?:now |been )?(?:deprecated|archived|retired|decommissioned|unmaintained"
    r"|no longer (?:actively )?(?:maintained|used|in use|supported|deployed))"
)
_PLACE = (
    r"(?:repo(?:sitory)?|project|chart|module|deployment|folder|directory|stack|service"
    r"|application)"
)
_SAID = re.compile(
    # A heading that is the word alone, or has it in brackets.
    r"^#+[ \t]*\W*(?:deprecated|archived|unmaintained|retired)\W*$"
    r"|^#+[ \t].*[\[(](?:deprecated|archived)[\])]"
    rf"|\bthis (?:\w+ ){{0,2}}{_PLACE}\b(?: \w+)? (?:is|has been|was) (?:and \w+ )?{_STATE}",
    re.IGNORECASE | re.MULTILINE,
)


def given_up(folder: Path) -> Callable[[PurePath], bool]:
    """Return what tells whether a file of a folder is in one that is given up, or below it."""

    @cache
    def says(place: PurePath) -> bool:
        files = (folder / place / name for name in _NAMES)
        there = next((one for one in files if one.is_file()), None)
        return there is not None and is_said(there.read_bytes()[:_MOST].decode(errors="replace"))

    return lambda path: any(map(says, path.parents))


def is_said(text: str) -> bool:
    """Tell whether a README says so."""
    return _SAID.search("\n".join(text.splitlines()[:_LINES])) is not None
