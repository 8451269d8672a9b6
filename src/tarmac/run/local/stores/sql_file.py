"""A file of SQL that a store is given once: `seed` and `init`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: edited: the file is another one than when it was loaded.
SeedOutcome = Literal["applied", "unchanged", "edited"]


class RefusedFile(Exception):
    """A server refused a statement of it."""


@dataclass(frozen=True)
class SqlFile:
    """A file as it is now."""

    name: str
    content: str
    #: Of its content: what a database has had is remembered by it.
    digest: str

    def outcome(self, known: str) -> SeedOutcome:
        """Tell what became of it where one of its name was loaded before."""
        return "unchanged" if known == self.digest else "edited"
