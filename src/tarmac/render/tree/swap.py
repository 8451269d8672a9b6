"""Replaces a folder as a whole: at every moment it is the old one or the new one.

The new one is built beside it and takes its place by one exchange of names. What is not written
again is in both by hard links, so that a user's own files (a `.git` among them) are never missing.
Then the old folder, which has no name any more, is made the same file by file, and the two
are exchanged again: a shell that stands in it, a container that has it mounted and a server that
keeps data in it go on with the folders that they know.

After `kill -9` the next render takes away what was left beside. A machine that loses power may lose
new files; the lock tells of it, and they are rendered again.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import stat
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tarmac.base import writing
from tarmac.base.errors import TarmacError
from tarmac.render.tree.decision import above
from tarmac.render.tree.successor import build, by_folder, inside, link, scan

LOCK_TRIES = 100
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


class FolderBusy(TarmacError):
    """Another render writes to this folder."""


@dataclass(frozen=True)
class Place:
    """A folder, and where its successor is built; what both are in is open."""

    #: What the folder is in.
    parent: writing.Root
    #: Its name there.
    name: str
    #: Beside it, on the same file system.
    work: writing.Root

    def scan(self) -> dict[str, os.stat_result]:
        """List everything in the folder; empty where it is not there."""
        return scan(self.name, self.parent.descriptor)

    def build(
        self,
        before: Mapping[str, os.stat_result],
        contents: Mapping[str, tuple[bytes, bool]],
        removed: Collection[str],
    ) -> None:
        """Build the successor. Arguments: as `successor.build`."""
        work = self.work.descriptor
        os.mkdir("tree", dir_fd=work)
        with contextlib.ExitStack() as stack:
            new = stack.enter_context(inside(work, "tree"))
            old = None
            if _is_there(self.parent.descriptor, self.name):
                old = stack.enter_context(inside(self.parent.descriptor, self.name))
            build(old, new, before, contents, removed)


def beside(folder: Path) -> Path:
    """Name the place where the new folder is built, on the same file system."""
    return folder.with_name(f".{folder.name}.tarmac")


@contextlib.contextmanager
def held(folder: Path) -> Iterator[Place]:
    """Keep other renders out of a folder; yield it with the place where the new one is built.

    That goes away at the end, and is left to the next render where this one is killed.

    Raises:
        FolderBusy: another render holds it.
    """
    made = [parent for parent in folder.parents if not parent.exists()]
    with contextlib.ExitStack() as stack:
        root, place = _lock(folder, stack)
        work, parent = place.work.descriptor, place.parent.descriptor
        try:
            writing.write_new(place.work, ".gitignore", "*\n")
            _clear(place)
            yield place
        finally:
            with contextlib.suppress(OSError):  # the next render takes away what cannot be now
                _clear(place)
                _remove(work, ".gitignore")
            _remove(work, "lock")
            with contextlib.suppress(OSError):  # another render came meanwhile
                os.rmdir(place.work.folder.name, dir_fd=parent)
            for folder_made in made:
                _remove_made(root, folder_made)


def _remove_made(root: writing.Root, folder: Path) -> None:
    """Remove a folder that was made for the render, if it is empty."""
    if folder != root.folder and folder.is_relative_to(root.folder):
        writing.remove_folder(root, folder.relative_to(root.folder).as_posix())
        return
    with contextlib.suppress(OSError):
        folder.rmdir()


def refuse_busy(folder: Path) -> None:
    """Raise FolderBusy where a render is writing; for those who only read."""
    with contextlib.suppress(FileNotFoundError), (beside(folder) / "lock").open("rb") as lock:
        _flock(lock.fileno(), fcntl.LOCK_SH, folder)


def _lock(folder: Path, held_open: contextlib.ExitStack) -> tuple[writing.Root, Place]:
    for _ in range(LOCK_TRIES):
        with contextlib.ExitStack() as stack:
            try:
                root, path = stack.enter_context(writing.around(folder))
                above_it, _, name = path.rpartition("/")
                parent = stack.enter_context(writing.inside(root, above_it))
                work = stack.enter_context(writing.inside(parent, beside(folder).name))
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                lock = os.open("lock", flags, 0o644, dir_fd=work.descriptor)
            except FileNotFoundError:
                continue  # its owner has just removed it
            stack.callback(os.close, lock)
            _flock(lock, fcntl.LOCK_EX, folder)
            with contextlib.suppress(FileNotFoundError):
                there = os.stat("lock", dir_fd=work.descriptor, follow_symlinks=False)
                if os.path.samestat(os.fstat(lock), there):
                    held_open.push(stack.pop_all())
                    return root, Place(parent, name, work)
    raise FolderBusy(f"{folder}: other renders keep writing there; wait for them")


def _flock(lock: int, how: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderBusy(
            f"{folder}: another render is writing there; wait until it is done"
        ) from None


def replace(place: Place, written: Collection[str], removed: Collection[str]) -> None:
    """Put the new folder, which `Place.build` made, in its place.

    Where the system has no exchange (an old network file system), in two steps, and it remains the
    successor: killed between them, the old folder is whole beside, and the next render puts it
    back.

    Args:
        written: files that are not the old ones.
        removed: files that the successor does not have.

    Raises:
        TarmacError: its place cannot be taken.
    """
    work, parent, name = place.work.descriptor, place.parent.descriptor, place.name
    entries = _entries("tree", work)
    try:
        if not _is_there(parent, name):
            os.rename("tree", name, src_dir_fd=work, dst_dir_fd=parent)
            return
        if not _exchange(work, "tree", parent, name):
            os.rename(name, "old", src_dir_fd=parent, dst_dir_fd=work)
            os.rename("tree", name, src_dir_fd=work, dst_dir_fd=parent)
            return
    except OSError as error:
        what = (
            "other programs have it mounted; render into a folder in it"
            if error.errno in (errno.EBUSY, errno.EXDEV)
            else f"cannot be replaced ({error.strerror}); render into another folder"
        )
        raise TarmacError(f"{place.parent.folder / name}: {what}") from None
    with contextlib.suppress(OSError):  # the successor is whole, and stays
        with inside(work, "tree") as old, inside(parent, name) as new:
            _make_same(old, new, work, written, removed)
        if _entries(name, parent) == entries:  # no file was added meanwhile
            _exchange(work, "tree", parent, name)


def _entries(name: str, parent: int) -> dict[str, int]:
    # Not their times: a server may be writing to the very files that are in both.
    return {path: status.st_ino for path, status in scan(name, parent).items()}


def _make_same(
    old: int, new: int, work: int, written: Collection[str], removed: Collection[str]
) -> None:
    """Make an old folder what the new one is, in place."""
    for parent, names in by_folder(removed).items():
        with inside(old, parent) as folder:
            for _, name in names:
                os.unlink(name, dir_fd=folder)
    gone = {parent for path in removed for parent in above(path)} | set(written)
    for path in sorted(gone, reverse=True):
        if _is_folder(old, path) and not _is_folder(new, path):
            parent, _, name = path.rpartition("/")
            with inside(old, parent) as folder:
                os.rmdir(name, dir_fd=folder)
    for parent, names in by_folder(written).items():
        with inside(new, parent) as source, inside(old, parent, makes=True) as target:
            for path, name in names:
                link(source, name, work, "part", path)
                os.replace("part", name, src_dir_fd=work, dst_dir_fd=target)


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_folder(folder: int, path: str) -> bool:
    try:
        status = os.stat(path, dir_fd=folder, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISDIR(status.st_mode)


def _exchange(folder: int, name: str, other: int, other_name: str) -> bool:
    """Exchange two names of open folders in one step; return False where the system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        rename = libc.renameatx_np if sys.platform == "darwin" else libc.renameat2
    except AttributeError:  # a C library without it
        return False
    if not rename(folder, os.fsencode(name), other, os.fsencode(other_name), _EXCHANGE):
        return True
    if (code := ctypes.get_errno()) in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code))


def _clear(place: Place) -> None:
    """Delete what is left beside; an old folder that nothing took the place of is put back."""
    work, parent = place.work.descriptor, place.parent.descriptor
    if _is_folder(work, "old") and not _is_there(parent, place.name):
        os.rename("old", place.name, src_dir_fd=work, dst_dir_fd=parent)
    _remove(work, "part")
    for name in ("tree", "old"):
        if _is_folder(work, name):
            _remove_all(work, name)
        else:
            _remove(work, name)


def _remove(folder: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _remove_all(parent: int, name: str) -> None:
    """Delete a folder, also a read-only one; files' own modes are shared."""
    with inside(parent, name) as folder:
        os.fchmod(folder, 0o700)
        with os.scandir(folder) as entries:
            listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for inner, is_folder in listed:
            if is_folder:
                _remove_all(folder, inner)
            else:
                _remove(folder, inner)
    os.rmdir(name, dir_fd=parent)
