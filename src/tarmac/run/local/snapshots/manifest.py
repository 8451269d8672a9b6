"""What a snapshot says of itself: its stores, their servers, and when it was taken.

The file `manifest.json` in a snapshot's folder, and the first member of an exported file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tarmac.base.errors import BadInput, Problem
from tarmac.base.writing import shown
from tarmac.run.local.snapshots.copying import DataSize

FILE = "manifest.json"
#: Raised whenever an older version could not read it.
FORMAT = 1
#: Characters that no shell and no file system treats in a way of its own.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: A name in a manifest that came from elsewhere becomes a file's name.
_STORE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True)
class StoreRecord:
    """One store as a snapshot has it."""

    kind: str
    provider: str
    version: str
    files: int
    size_bytes: int
    #: A compressed archive; else a folder whose files share their blocks with the store's.
    packed: bool
    #: Tells whether the administrator's password is the same; it cannot be computed from it.
    admin: str = ""
    #: The migrations that it had; empty: it was not asked.
    migrations: tuple[str, ...] = ()

    @property
    def size(self) -> DataSize:
        """How much data it is."""
        return DataSize(self.files, self.size_bytes)


@dataclass(frozen=True)
class Manifest:
    """A snapshot."""

    name: str
    system: str
    #: The copy of the system that it was taken of.
    namespace: str
    #: UTC, ISO 8601.
    taken_at: str
    #: The verb that it was taken before; empty: a user asked for it.
    before: str
    stores: Mapping[str, StoreRecord]
    #: Stores that it does not hold, and why.
    left: Mapping[str, str] = field(default_factory=dict)
    #: Seconds that the copies took while the servers were stopped.
    copied_s: float = 0.0
    format: int = FORMAT

    @property
    def size_bytes(self) -> int:
        """The bytes of all stores, not packed."""
        return sum(record.size_bytes for record in self.stores.values())


_READER = TypeAdapter(Manifest)


def check_name(name: str) -> None:
    """Refuse a name that a snapshot cannot have. Raises BadInput."""
    if not NAME.fullmatch(name):
        what = "not a name for a snapshot; use letters, digits, '.', '-' and '_', at most 64"
        raise BadInput([Problem(shown(name) or "''", what)])


def as_json(manifest: Manifest) -> str:
    """Write it as JSON."""
    return _READER.dump_json(manifest, indent=1).decode() + "\n"


def parse(content: str | bytes, where: str) -> Manifest:
    """Read it.

    Args:
        where: it comes from, for the message.

    Raises:
        BadInput: it is damaged, hostile, or of a newer version.
    """
    try:
        manifest = _READER.validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        what = f"not the manifest of a snapshot ({place}: {first['msg']}); take another one"
        raise BadInput([Problem(where, what)]) from None
    if manifest.format > FORMAT:
        what = f"of a newer Tarmac (format {manifest.format}); update Tarmac"
        raise BadInput([Problem(where, what)])
    wrong = [name for name in manifest.stores if not _STORE.fullmatch(name)]
    if wrong or any(record.size_bytes < 0 for record in manifest.stores.values()):
        what = f"names a store '{shown(wrong[0])}'" if wrong else "has a negative size"
        raise BadInput([Problem(where, f"{what}; it was not written by Tarmac")])
    return manifest


def read(folder: Path) -> Manifest:
    """Read that of a snapshot's folder. Raises BadInput."""
    path = folder / FILE
    try:
        return parse(path.read_bytes(), str(path))
    except OSError as error:
        what = f"cannot be read ({error.strerror}); delete the snapshot"
        raise BadInput([Problem(str(path), what)]) from None
