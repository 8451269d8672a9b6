"""Tells whether a node would run differently from how it runs now."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tarmac.launch import reveal
from tarmac.plan.plan import Node

#: Never part of what runs.
SKIPPED = frozenset({"__pycache__", "node_modules", ".venv", ".git", ".tarmac", "tests"})


def fingerprint(node: Node, secrets: Mapping[str, str]) -> str:
    """Digest a node's launch, its secrets' values, and the time and size of its source files."""
    launch = node.launch
    digest = hashlib.sha256(repr(launch).encode())
    texts = [*launch.env.values(), *(file.content for file in launch.files)]
    for value in texts:
        digest.update(reveal(value, secrets).encode())
    # An edit of what somebody else starts is theirs to load.
    digest.update(b"outside" if node.outside else digest_of(launch.sources).encode())
    return digest.hexdigest()


def digest_of(sources: Iterable[str]) -> str:
    """Digest the time and size of every file of these folders."""
    digest = hashlib.sha256()
    for source in sources:
        for line in _files(Path(source)):
            digest.update(line.encode())
    return digest.hexdigest()


def _files(folder: Path) -> list[str]:
    found = []
    if folder.is_file():
        status = folder.lstat()
        return [f"{folder} {status.st_mtime_ns} {status.st_size}\n"]
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in files:
            status = Path(root, name).lstat()  # an editor's lock may be a link to nowhere
            found.append(f"{root}/{name} {status.st_mtime_ns} {status.st_size}\n")
    return sorted(found)
