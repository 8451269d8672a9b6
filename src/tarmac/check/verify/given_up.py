"""Folders that are kept: their README or chart gives them up, or a newer release is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePath

#: It says so at its beginning.
_LINES, _MOST = 25, 20_000
_NAMES = ("README.md", "readme.md", "README.rst", "README", "README.txt", "README.adoc")
#: The version of a cluster behind a file's name, beside one without it: `web-v1.22.yaml`.
_FOR = re.compile(r"[-_.]v?\d+\.\d+")
#: What is kept of a file beside it: `web-old.yaml`.
_OLD = re.compile(r"(.+)[-_.](?:old|orig|backup|bak|deprecated|legacy)")
_OF_RELEASE = re.compile(r"(.*?\w)[-_.](v?\d+\.\d+(?:\.\d+)?)")
_RELEASE, _SEVERAL = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)"), 3
#: What a chart says of itself.
_DEPRECATED = re.compile(r"^deprecated:[ \t]*true\b", re.MULTILINE)
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
        if there is not None and is_said(_beginning(there)):
            return True
        chart = folder / place / "Chart.yaml"
        return chart.is_file() and _DEPRECATED.search(_beginning(chart)) is not None

    return lambda path: any(map(says, path.parents))


def superseded(folder: Path) -> Callable[[PurePath], bool]:
    """Return what tells whether a file of a folder is of a release that has a newer one beside it.

    Folders are releases where several are called by their numbers: 1.2.0, 1.3.0, 1.4.0; so are
    files with a number behind a name. One with a number is newer than that of its name without, and
    one that is called old is older.
    """

    @cache
    def releases(place: PurePath) -> list[tuple[int, ...]]:
        there = folder / place
        names = (one.name for one in there.iterdir() if one.is_dir()) if there.is_dir() else ()
        return sorted(number for name in names if (number := _number(name)))

    def is_old(place: PurePath) -> bool:
        number, every = _number(place.name), releases(place.parent)
        return bool(number) and len(every) >= _SEVERAL and number < every[-1]

    @cache
    def stems(place: PurePath) -> list[str]:
        there = folder / place
        files = there.iterdir() if there.is_dir() else ()
        return [one.stem for one in files if one.suffix in (".yaml", ".yml")]

    def has_later(path: PurePath) -> bool:
        others = [one for one in stems(path.parent) if one != path.stem]
        if (old := _OLD.fullmatch(path.stem)) and old[1] in others:
            return True
        if any(_FOR.fullmatch(one.removeprefix(path.stem)) for one in others):
            return True
        name, number = _release(path.stem)
        every = [other for before, other in map(_release, others) if other and before == name]
        return bool(number) and len(every) >= _SEVERAL - 1 and number < max(every)

    return lambda path: any(map(is_old, path.parents)) or has_later(path)


def _release(stem: str) -> tuple[str, tuple[int, ...]]:
    """Divide the name of a release's file: `csi-v1.2.0` is that of `csi`, and 1.2.0."""
    found = _OF_RELEASE.fullmatch(stem)
    return (found[1], _number(found[2])) if found else (stem, ())


def _number(name: str) -> tuple[int, ...]:
    found = _RELEASE.fullmatch(name)
    return tuple(map(int, found[1].split("."))) if found else ()


def _beginning(path: Path) -> str:
    return path.read_bytes()[:_MOST].decode(errors="replace")


def is_said(text: str) -> bool:
    """Tell whether a README says so."""
    return _SAID.search("\n".join(text.splitlines()[:_LINES])) is not None
