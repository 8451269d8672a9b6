"""How what a server holds is read and written while it runs: by seeds, drills and invariants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

#: edited: the file is another one than when it was loaded.
SeedOutcome = Literal["applied", "unchanged", "edited"]
#: Digests of what users keep, by table.
Rows = Mapping[str, frozenset[int]]


class RefusedFile(Exception):
    """A server refused a statement of it, or it cannot be read."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        #: Where in the file; 0: nothing says it.
        self.line = line


@dataclass(frozen=True)
class SqlFile:
    """A file of SQL, for `seed` or `init`, as it is now."""

    name: str
    content: str
    #: Of its content: what a database has had is remembered by it.
    digest: str

    def outcome(self, known: str) -> SeedOutcome:
        """Tell what became of it where one of its name was loaded before."""
        return "unchanged" if known == self.digest else "edited"


class Marks(Protocol):
    """The marks of one store, each with a number; a restored backup is judged by them."""

    async def write(self, number: int) -> None:
        """Write a mark; it is committed once this returns. Raises TarmacError."""

    async def close(self) -> None:
        """Close its connection."""


class ReadRows(Protocol):
    """Digests what users keep at one moment, over a URL; `locked` lets none of it change."""

    def __call__(self, url: str, *, locked: bool = False) -> AbstractAsyncContextManager[Rows]:
        """Begin. Raises TarmacError."""


class LoadFile(Protocol):
    """Loads a file once per database, over a URL; `again` also where it was loaded before."""

    def __call__(self, url: str, file: SqlFile, *, again: bool) -> Awaitable[SeedOutcome]:
        """Load it. Raises RefusedFile."""


@dataclass(frozen=True)
class StoreMarks:
    """How a backup of one kind's servers is judged: by marks, and by what users keep."""

    #: url -> what writes marks into it.
    opened: Callable[[str], Marks]
    #: url -> the marks that are there.
    written: Callable[[str], Coroutine[Any, Any, Sequence[int]]]
    rows: ReadRows


@dataclass(frozen=True)
class RowSnapshots:
    """How the rows of one kind's servers are put back, while clients stay connected."""

    #: (url, a folder for it) -> a copy of its rows.
    take: Callable[[str, Path], Awaitable[Any]]
    #: (url, that copy) -> whether connections that held locks had to be cut.
    restore: Callable[[str, Any], Awaitable[bool]]


@dataclass(frozen=True)
class StoreContents:
    """What can be done with the contents of one kind's servers; None: that cannot be.

    Each takes the URL of the administrator or of a user, and raises TarmacError.
    """

    #: (url, statements) -> done, each committed by itself.
    say: Callable[[str, Iterable[str]], Awaitable[None]] | None = None
    marks: StoreMarks | None = None
    snapshots: RowSnapshots | None = None
    load: LoadFile | None = None
    #: (store, url, seconds for each statement) -> a connection to ask SQL over, as asyncpg's are.
    ask: Callable[[str, str, float], AbstractAsyncContextManager[Any]] | None = None
