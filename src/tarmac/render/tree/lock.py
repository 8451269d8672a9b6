"""`tarmac.lock`: what was rendered into a folder, so that a manual edit is detected.

Text in, text out: the folder is read and written elsewhere. One line for each file, sorted, and
nothing that changes by itself, so that git merges it line by line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign.data import from_json

FILE = "tarmac.lock"
#: Of the format; a newer Tarmac's lock is refused.
VERSION = 1
#: `json.dumps` makes an encoder for each call.
_encode = json.JSONEncoder(sort_keys=True).encode


@dataclass(frozen=True)
class LockEntry:
    """One file of the folder."""

    #: The renderer's id.
    by: str
    #: Of the file as it was written; of an ejected one: of what was rendered when it was.
    sha256: str
    #: Of the text before its patch, where there is one.
    rendered: str = ""
    #: The patch that was applied, named as the model is.
    patch: str = ""
    #: It is the user's own: never written again.
    ejected: bool = False

    @property
    def base(self) -> str:
        """The hash of what the renderer itself made."""
        return self.rendered or self.sha256


@dataclass(frozen=True)
class TreeLock:
    """What a folder holds."""

    model: str
    system: str
    environment: str
    files: Mapping[str, LockEntry] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The file's text: JSON, a line for each file."""
        lines = [
            f"    {_encode(path)}: {_encode(_as_data(entry))}"
            for path, entry in sorted(self.files.items())
        ]
        head = {
            "tarmac": VERSION,
            "model": self.model,
            "system": self.system,
            "environment": self.environment,
        }
        above = "".join(
            f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()
        )
        files = "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"
        return f'{{\n{above}  "files": {files}\n}}\n'


def digest(content: bytes) -> str:
    """Hash a file's content."""
    return hashlib.sha256(content).hexdigest()


def parse(text: str, where: str) -> TreeLock:
    """Read a lock.

    Args:
        where: the file's path, for an error.

    Raises:
        BadInput: it is not a valid lock, or one of a newer Tarmac.
    """
    if "\n<<<<<<< " in f"\n{text}":
        what = (
            "contains merge conflict markers; take one side for the whole folder, then render again"
        )
        raise _broken(where, what)
    try:
        data = from_json(text)
        if data["tarmac"] != VERSION:
            raise _broken(
                where,
                f"was written by another version of Tarmac (format {data['tarmac']}); use that one",
            )
        files = {path: _entry(path, entry, where) for path, entry in data["files"].items()}
        return TreeLock(data["model"], data["system"], data["environment"], files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"is not a valid lock file ({error!r}); restore it from your history, or remove it"
        raise _broken(where, what) from None


def _entry(path: str, entry: Mapping[str, Any], where: str) -> LockEntry:
    """Read an entry: its path stays in the folder, as what is rendered no more is removed there."""
    if not {"", ".", "..", ".git"}.isdisjoint(path.split("/")) or "\0" in path:
        raise _broken(where, f"names '{path}', which is outside the folder; remove that line")
    if not all(isinstance(value, str | bool) for value in entry.values()):
        raise TypeError(f"{path}: {dict(entry)}")
    return LockEntry(**entry)


def _as_data(entry: LockEntry) -> dict[str, Any]:
    return {name: value for name, value in vars(entry).items() if value}


def _broken(where: str, what: str) -> BadInput:
    return BadInput([Problem(where, what)])
