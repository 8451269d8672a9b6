"""Copies folders of data: by reflinks where the file system has them, else byte by byte.

Each copy is private to its user: folders of mode 0700, files of mode 0600.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.base.writing import shown

#: linux/fs.h: has a file share the blocks of another one.
_FICLONE = 0x40049409
#: What a file system says that cannot: another type, another disk, no such call.
_CANNOT = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.ETXTBSY}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: Room that is left free on the disk.
SPARE_BYTES = 64 * 1024**2
MEGA = 1_000_000
#: A file that did not change for so long has a time of change that the next change moves.
QUIET_NS = 1_000_000_000


@dataclass(frozen=True)
class DataSize:
    """What was copied."""

    files: int = 0
    size_bytes: int = 0

    def __add__(self, other: DataSize) -> DataSize:
        return DataSize(self.files + other.files, self.size_bytes + other.size_bytes)


#: What tells whether a file has changed.
FileState = tuple[int, int, int, int]
#: Files that were copied while their server ran, as they were before.
Draft = Mapping[Path, FileState]
Item = TypeVar("Item")
Result = TypeVar("Result")


def has_reflinks(source: Path, target: Path) -> bool:
    """Try whether files of one folder can share their blocks with files of another."""
    if sys.platform != "linux":
        return False
    first, second = source / ".reflink-from", target / ".reflink-to"
    try:
        first.write_bytes(b"x" * 4096)
        second.touch()
        with first.open("rb") as ours, second.open("r+b") as theirs:
            return _cloned(ours.fileno(), theirs.fileno())
    except OSError:
        return False
    finally:
        for made in (first, second):
            made.unlink(missing_ok=True)


def measure(paths: list[Path]) -> DataSize:
    """Count files and bytes. Raises BadInput where data is a link or cannot be read."""
    total = DataSize()
    for path in paths:
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            total += measure(_entries(path))
        elif stat.S_ISREG(status.st_mode):
            total += DataSize(1, status.st_size)
        elif stat.S_ISLNK(status.st_mode):
            what = "is a link, so the data is elsewhere; a snapshot cannot hold it"
            raise BadInput([Problem(shown(path), what)])
    return total


def copy(source: Path, target: Path, *, reflinks: bool = False, draft: Draft | None = None) -> None:
    """Copy a file or a folder; sockets and pipes are left out.

    Args:
        target: is not there, or is what `draft` was made of: then only what differs is copied.

    Raises:
        BadInput: the disk is full.
    """
    status = source.lstat()
    try:
        if stat.S_ISDIR(status.st_mode):
            target.mkdir(mode=0o700, exist_ok=draft is not None)
            entries = _entries(source)
            for left in {path.name for path in target.iterdir()} - {one.name for one in entries}:
                remove(target / left)
            for entry in entries:
                copy(entry, target / entry.name, reflinks=reflinks, draft=draft)
        elif stat.S_ISREG(status.st_mode):
            if draft is not None and target.exists():
                if draft.get(source) == _state(status):
                    return
                remove(target)
            _copy_file(source, target, reflinks=reflinks)
        else:
            return
        keep_owner(target, status.st_uid, status.st_gid)
    except OSError as error:
        raise no_room(error, target) from None


def drafted(source: Path, target: Path) -> Draft:
    """Copy what a server writes to meanwhile; return what of it needs no second copy.

    That is a file that did not change in the second before it was copied: one that changes later
    has another time of change, however coarse the clock of the file system.
    """
    done: dict[Path, FileState] = {}
    try:
        status = source.lstat()
        if stat.S_ISDIR(status.st_mode):
            target.mkdir(mode=0o700)
            for entry in _entries(source):
                done |= drafted(entry, target / entry.name)
        elif stat.S_ISREG(status.st_mode) and _is_quiet(status):
            _copy_file(source, target, reflinks=False)
            done[source] = _state(status)
        else:
            return done
        keep_owner(target, status.st_uid, status.st_gid)
    except FileNotFoundError:  # the server has deleted it
        return done
    except OSError as error:
        raise no_room(error, target) from None
    return done


def on_all(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Do it to several at once: most of the time is the kernel's. Raises what the first raised."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(work, items))


def delete(folders: Iterable[Path]) -> None:
    """Delete folders that nothing uses; what cannot be deleted stays."""
    on_all(lambda folder: shutil.rmtree(folder, ignore_errors=True), folders)


def keep_owner(path: Path, uid: int, gid: int) -> None:
    """Give a copy to the owner of the original, where this user is root."""
    if os.geteuid() == 0:
        os.chown(path, uid, gid, follow_symlinks=False)


def give(path: Path, uid: int) -> None:
    """Give a folder and all in it to a user."""
    for one in (path, *path.rglob("*")):
        os.chown(one, uid, uid, follow_symlinks=False)


def require_room(folder: Path, size_bytes: int, what: str) -> None:
    """Refuse what would fill the disk. Raises BadInput."""
    free = shutil.disk_usage(folder).free
    if free < size_bytes + SPARE_BYTES:
        needed = f"{what} needs {(size_bytes + SPARE_BYTES) / MEGA:,.0f} MB, and the disk has"
        advice = "delete a snapshot (`tarmac snapshot list`), or make room"
        raise BadInput([Problem(str(folder), f"{needed} {free / MEGA:,.0f} MB free; {advice}")])


def no_room(error: OSError, path: Path) -> TarmacError:
    """Say what a disk refused; nothing was changed then."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        what = "the disk is full; nothing was changed. Make room and try again"
    else:
        what = f"{error.strerror}; nothing was changed"
    return BadInput([Problem(shown(path), what)])


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        what = f"cannot be read ({error.strerror}); it belongs to the user of a container"
        raise BadInput([Problem(shown(folder), what)]) from None


def _is_quiet(status: os.stat_result) -> bool:
    return max(status.st_mtime_ns, status.st_ctime_ns) < time.time_ns() - QUIET_NS


def _state(status: os.stat_result) -> FileState:
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _copy_file(source: Path, target: Path, *, reflinks: bool) -> None:
    with source.open("rb") as original, os.fdopen(os.open(target, _NEW, 0o600), "wb") as made:
        if reflinks and _cloned(original.fileno(), made.fileno()):
            return
    # By the kernel, where it can.
    shutil.copyfile(source, target, follow_symlinks=False)


def _cloned(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True
