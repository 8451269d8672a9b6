"""Small disks for the stores of a copy that a drill fills: in memory, with a size as limit.

They are mounted in a mount namespace of the supervisor's, so it and what it starts see them, and
they end with it. Linux; as root or in a user namespace.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.run.local.host.guard import separate_mounts

#: In the disk, beside what the store keeps there.
FILLER = "filler"


@dataclass(frozen=True)
class Disk:
    """A disk that is mounted."""

    place: Path

    def size_bytes(self) -> int:
        """Return how large it is."""
        found = os.statvfs(self.place)
        return found.f_blocks * found.f_frsize

    def free_bytes(self) -> int:
        """Return how much of it is free."""
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Take what is free; again and again, since a store gives back what it no longer needs."""
        file = os.open(self.place / FILLER, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            if free := self.free_bytes():
                with contextlib.suppress(OSError):  # the store was faster
                    os.posix_fallocate(file, os.fstat(file).st_size, free)
        finally:
            os.close(file)

    def clear(self) -> None:
        """Give back what `fill` took."""
        (self.place / FILLER).unlink(missing_ok=True)


def mount(sizes: Mapping[Path, int]) -> None:
    """Mount a disk at each of these folders, which are made; sizes in bytes.

    Raises:
        TarmacError: this machine does not allow it.
    """
    try:
        separate_mounts("a disk of a store's own")
        for place, size in sizes.items():
            place.mkdir(mode=0o711, parents=True, exist_ok=True)
            _mount(place, size)
    except OSError as error:
        raise TarmacError(
            f"{error.strerror or error}; it needs Linux, and root or user namespaces"
        ) from None


def unmount(places: Iterable[Path]) -> None:
    """Unmount them, whatever still uses them, so that their folders can be deleted."""
    libc = ctypes.CDLL(None, use_errno=True)
    detach = 2  # MNT_DETACH, sys/mount.h
    for place in places:
        libc.umount2(os.fsencode(place), detach)


def _mount(place: Path, size: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={size},mode=711".encode()
    if libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", None, options) != 0:
        why = os.strerror(ctypes.get_errno())
        raise OSError(f"a disk of a store's own cannot be mounted ({why})")
