"""The programs that a provider starts, and where they are looked for on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tarmac.base.versions import Version


@dataclass(frozen=True)
class Wheel:
    """A program inside an installed Python distribution."""

    distribution: str
    #: Ends the path of one of the distribution's files, e.g. `pginstall/bin/postgres`.
    path: str


@dataclass(frozen=True)
class Module:
    """A Python module of Tarmac's own, run by its interpreter."""

    name: str
    #: The distribution whose version stands for the program's.
    distribution: str


@dataclass(frozen=True)
class Binary:
    """A program of this machine, on PATH or where distributions keep it.

    A provider's first one decides: the others are taken from beside it if they are there.
    """

    name: str
    #: Folders to look in after PATH, as globs, {cache} for Tarmac's own; of several versions in
    #: them the newest is first.
    folders: tuple[str, ...] = ()
    #: Arguments that make it print its version; without any, what its folder has at the star is it.
    version: tuple[str, ...] = ("--version",)
    #: The oldest that does what the kind relies on; an older one does not count as found.
    oldest: str = ""
    #: The first that does not any more; "": none.
    below: str = ""
    #: Whether PATH is searched: not where it has a front end of another package for the program.
    on_path: bool = True
    #: Names of programs that do the same where this one is absent.
    or_else: tuple[str, ...] = ()

    def takes(self, version: tuple[int, ...]) -> bool:
        """Tell whether a version does what the kind relies on."""
        return numbers(self.oldest) <= version and (not self.below or version < numbers(self.below))


@dataclass(frozen=True)
class Image:
    """A container image for a Docker daemon to run."""

    name: str
    #: The default tag; a requested version is a tag itself.
    tag: str
    #: Until when that version is kept, and where it says so; None: as assets/versions.yaml has it.
    support: Version | None = None


@dataclass(frozen=True)
class InstalledFolder:
    """A folder with a program that another one runs: where a variable says, or where it is kept."""

    #: The environment's variable that names it, e.g. KAFKA_HOME.
    variable: str
    #: One of its files; the star is the version.
    holds: str
    #: Folders to look in otherwise, as globs, the newest version first; {cache}: Tarmac's own.
    folders: tuple[str, ...] = ()
    #: The oldest that does what the kind relies on; an older one does not count as found.
    oldest: str = ""


Program = Wheel | Module | Binary | Image | InstalledFolder


def numbers(version: str) -> tuple[int, ...]:
    """Read the numbers at the start of a version; none for one that is not known."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()
