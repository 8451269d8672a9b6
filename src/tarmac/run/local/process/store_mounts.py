"""Mounts a disk of its own for each store of a drill's copy, before anything is started in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tarmac.run.local.host import disks, privileges
from tarmac.run.local.process.prepare import nodes_outside
from tarmac.run.local.state.paths import Home


def mount(home: Home, sizes: Mapping[str, int]) -> None:
    """Give stores a disk each, in memory; sizes in bytes. Raises TarmacError."""
    disks.mount(dict(zip(places(home, sizes), sizes.values(), strict=True)))


def unmount(home: Home, names: Iterable[str]) -> None:
    """Take their disks away, with all that is on them."""
    disks.unmount(places(home, names))


def places(home: Home, names: Iterable[str]) -> list[Path]:
    """Name the folders of stores, as `prepare.folder_of` does."""
    nodes = nodes_outside(home) if privileges.drop() == "setuid" else home.nodes
    return [nodes / name for name in names]
