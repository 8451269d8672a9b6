"""Deletes what a namespace keeps, and says what it was."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from tarmac.run.local.host import privileges
from tarmac.run.local.process import written
from tarmac.run.local.process.prepare import nodes_outside
from tarmac.run.local.state.paths import Home

#: Part of the name of a folder that is being deleted.
_DOOMED = ".deleted-"


def delete(home: Home) -> list[str]:
    """Delete a stopped namespace's folder: data, logs, secrets, facts.

    Returns:
        A line for each thing that was deleted, with its size.
    """
    lines: list[str] = []
    written.forget(home)
    outside = [nodes_outside(home)] if privileges.drop() == "setuid" else []
    for folder in (*outside, home.root):  # the passwords go last: data without them is of no use
        if folder.exists():
            parts = sorted(folder.glob("nodes/*" if folder == home.root else "*"))
            lines.extend(f"{part} ({size_mb(part):.1f} MB)" for part in parts)
            lines.append(str(folder))
            erase(folder)
    return lines


def delete_nodes(home: Home, names: Iterable[str]) -> list[str]:
    """Delete the data of some nodes of a stopped namespace; say what it was."""
    lines: list[str] = []
    for name in names:
        for folder in (home.nodes / name, nodes_outside(home) / name):
            if folder.exists():
                lines.append(f"{folder} ({size_mb(folder):.1f} MB)")
                erase(folder)
    return lines


def erase(folder: Path) -> None:
    """Delete a folder atomically: a kill meanwhile leaves all of it or nothing in its place.

    Half of a database does not start, and half of a namespace has lost its passwords.
    """
    doomed = folder.with_name(f".{folder.name}{_DOOMED}{secrets.token_hex(4)}")
    folder.rename(doomed)
    while doomed.exists():
        with contextlib.suppress(FileNotFoundError):  # another process sweeps here
            shutil.rmtree(doomed)


def sweep(folder: Path) -> None:
    """Finish deletions in a folder that a killed process had begun."""
    for doomed in folder.glob(f".*{_DOOMED}*"):
        shutil.rmtree(doomed, ignore_errors=True)


def size_mb(folder: Path) -> float:
    """Add up the sizes of a folder's files, in MB of a million bytes."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total / 1e6
