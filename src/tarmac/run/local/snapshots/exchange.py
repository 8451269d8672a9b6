"""Exchanges the data of a copy's stores for what stands beside it, whatever dies meanwhile.

The change is a rename for each store. Before the first one a marker says which; the next start of
the copy, or the next verb, completes them. Light: the supervisor looks here before it starts.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.run.local.host import privileges
from tarmac.run.local.process.prepare import nodes_outside
from tarmac.run.local.snapshots import copying
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.paths import Home

#: In a copy's home: which stores are being exchanged; and what a verb that works there holds.
MARKER, LOCK = "loading.json", "snapshot-lock"
#: In a copy's home: its secrets as they are to be with the new data, where that changes them.
SECRETS = "secrets.loading.json"
_NEW, _OLD = ".loading", ".before-load"


@dataclass(frozen=True)
class Exchange:
    """The folders of one store meanwhile."""

    folder: Path

    @property
    def new(self) -> Path:
        """Where the new data is written."""
        return self.folder.with_name(f".{self.folder.name}{_NEW}")

    @property
    def old(self) -> Path:
        """Where the data goes that is replaced."""
        return self.folder.with_name(f".{self.folder.name}{_OLD}")

    def carry_out(self) -> None:
        """Put the new data in place; repeatable, wherever an earlier try ended."""
        if self.new.exists():
            if self.folder.exists():
                self.folder.rename(self.old)
            self.new.rename(self.folder)


@contextlib.contextmanager
def locked(home: Home) -> Iterator[None]:
    """Keep other snapshot verbs, and a start of the copy, away. Raises BadInput."""
    with exclusive(home.root / LOCK, "a snapshot is being saved or loaded here"):
        yield


def begin(home: Home, stores: Mapping[str, bool]) -> None:
    """Decide that these stores get their new data: it is there, whole.

    Args:
        stores: whether each one's folder stands outside the project.
    """
    write_atomically(home.root / MARKER, json.dumps(dict(stores)), power_cut=True)


def complete(home: Home) -> None:
    """Complete an exchange that was begun; do nothing where none was. Raises OSError."""
    marker = home.root / MARKER
    if not marker.exists():
        return
    for name, is_outside in json.loads(marker.read_text()).items():
        Exchange((nodes_outside(home) if is_outside else home.nodes) / name).carry_out()
    if (home.root / SECRETS).exists():
        (home.root / SECRETS).replace(home.secrets)
    marker.unlink()


def sweep(home: Home) -> None:
    """Delete data that no store has: replaced, or written for an exchange that did not begin."""
    if (home.root / MARKER).exists():
        return
    (home.root / SECRETS).unlink(missing_ok=True)
    left = [one for nodes in _nodes(home) for end in (_NEW, _OLD) for one in nodes.glob(f".*{end}")]
    copying.delete(left)


def finish(home: Home) -> None:
    """Complete an exchange that was begun, and delete what is left of one that was not."""
    complete(home)
    sweep(home)


def recover(home: Home) -> None:
    """Finish what a killed verb left, before a copy starts. Raises BadInput while one works."""
    if (home.root / LOCK).exists():
        with locked(home):
            finish(home)


def _nodes(home: Home) -> Iterator[Path]:
    yield home.nodes
    if privileges.drop() == "setuid":
        yield nodes_outside(home)


@contextlib.contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold a lock that ends with this process. Raises BadInput where another one has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            problem = Problem(str(path.parent), f"{what}; try again when it has ended")
            raise BadInput([problem]) from None
        yield
    finally:
        os.close(descriptor)
