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
import shutil
import stat
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from tarmac.base import writing
from tarmac.base.errors import TarmacError
from tarmac.render.tree.decision import above

#: What is looked at again before the exchange: a file that was saved in between is seen.
Seen = tuple[int, int, int, int]
LOCK_TRIES = 100
_AT_FDCWD = {"linux": -100}.get(sys.platform, -2)
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


class FolderBusy(TarmacError):
    """Another render writes to this folder."""


def beside(folder: Path) -> Path:
    """Name the place where the new folder is built, on the same file system."""
    return folder.with_name(f".{folder.name}.tarmac")


@contextlib.contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Keep other renders out of a folder; yield the place where the new folder is built.

    It goes away at the end, and is left to the next render where this one is killed.

    Raises:
        Busy: another render holds it.
    """
    work = beside(folder)
    made = [parent for parent in folder.parents if not parent.exists()]
    lock = _lock(work, folder)
    try:
        with writing.opened(work) as root:
            writing.write_new(root, ".gitignore", "*\n")
        _clear(work, folder)
        yield work
    finally:
        with contextlib.suppress(OSError):  # the next render takes away what cannot be now
            _clear(work, folder)
            (work / ".gitignore").unlink(missing_ok=True)
        (work / "lock").unlink(missing_ok=True)
        for temporary in (work, *made):
            with contextlib.suppress(OSError):  # another render came meanwhile
                temporary.rmdir()
        os.close(lock)


def refuse_busy(folder: Path) -> None:
    """Raise FolderBusy where a render is writing; for those who only read."""
    with contextlib.suppress(FileNotFoundError), (beside(folder) / "lock").open("rb") as lock:
        _flock(lock.fileno(), fcntl.LOCK_SH, folder)


def _lock(work: Path, folder: Path) -> int:
    for _ in range(LOCK_TRIES):
        try:
            writing.make_at(work)
            lock = os.open(work / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except FileNotFoundError:
            continue  # its owner has just removed it
        try:
            _flock(lock, fcntl.LOCK_EX, folder)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), (work / "lock").stat()):
                    return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
    raise FolderBusy(f"{folder}: other renders keep writing there; wait for them")


def _flock(lock: int, how: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderBusy(
            f"{folder}: another render is writing there; wait until it is done"
        ) from None


def scan(folder: Path) -> dict[str, os.stat_result]:
    """List everything in a folder by its path, links not followed; empty for none."""
    found: dict[str, os.stat_result] = {}

    def walk(name: str, prefix: str) -> None:
        with os.scandir(name) as entries:
            for entry in entries:
                path = f"{prefix}{entry.name}"
                with contextlib.suppress(FileNotFoundError):  # a server's own, gone again
                    found[path] = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        walk(entry.path, f"{path}/")

    if folder.exists():
        walk(str(folder), "")
    return found


def build(
    folder: Path,
    new: Path,
    before: Mapping[str, os.stat_result],
    contents: Mapping[str, tuple[bytes, bool]],
    removed: Collection[str],
) -> None:
    """Build the new folder.

    Args:
        new: where; it is not there yet.
        before: what `scan` found in the folder.
        contents: what is written, and whether it can be executed.
        removed: files that it must not have.
    """
    new.mkdir()
    kept = [
        path
        for path, status in before.items()
        if not stat.S_ISDIR(status.st_mode) and path not in contents and path not in removed
    ]
    full = {parent for path in before for parent in above(path)}
    empty = {p for p, status in before.items() if stat.S_ISDIR(status.st_mode)} - full
    folders = {parent for path in (*kept, *contents, *empty) for parent in above(path)} | empty
    for parent in sorted(folders - contents.keys()):
        (new / parent).mkdir()
    for path in kept:
        with contextlib.suppress(FileNotFoundError):  # a server's own, gone again
            _link(folder / path, new / path)
    for path, (content, executable) in contents.items():
        (new / path).write_bytes(content)
        _set_mode(new / path, before.get(path), executable)
    # Last: a read-only one could not have been filled.
    for parent in sorted(folders, reverse=True):
        if parent in before:
            _look_like(folder / parent, new / parent, before[parent])
    if folder.exists():
        _look_like(folder, new, folder.stat())


def _set_mode(path: Path, before: os.stat_result | None, executable: bool) -> None:
    regular = before is not None and stat.S_ISREG(before.st_mode)
    old = path.stat().st_mode
    mode = stat.S_IMODE(before.st_mode if before is not None and regular else old)
    mode = mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
    if mode != stat.S_IMODE(old):
        path.chmod(mode)


def _look_like(old: Path, new: Path, status: os.stat_result) -> None:
    shutil.copymode(old, new)
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(PermissionError):
            os.chown(new, status.st_uid, status.st_gid)


def _link(old: Path, new: Path) -> None:
    """Link a file; copy it where a file system has no links."""
    try:
        os.link(old, new, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise TarmacError(f"{old}: is a mount point; render into a folder without it") from None
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        shutil.copy2(old, new, follow_symlinks=False)


def is_as_seen(folder: Path, before: Mapping[str, os.stat_result], paths: Collection[str]) -> bool:
    """Tell whether these files are unchanged since `scan`."""

    def now(path: str) -> os.stat_result | None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return (folder / path).lstat()
        return None

    return all(_seen(now(path)) == _seen(before.get(path)) for path in paths)


def _seen(status: os.stat_result | None) -> Seen | None:
    # A folder's own times change with what is in it; a link to a file changes its `ctime`.
    if status is None or stat.S_ISDIR(status.st_mode):
        return None
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


def replace(folder: Path, work: Path, written: Collection[str], removed: Collection[str]) -> None:
    """Put the new folder, at `work`/tree, in its place.

    Where the system has no exchange (an old network file system), in two steps, and it remains the
    successor: killed between them, the old folder is whole beside, and the next render puts it
    back.

    Args:
        written: files that are not the old ones.
        removed: files that the successor does not have.

    Raises:
        TarmacError: its place cannot be taken.
    """
    new = work / "tree"
    entries = _entries(new)
    try:
        if not folder.exists():
            new.rename(folder)
            return
        if not _exchange(new, folder):
            folder.rename(work / "old")
            new.rename(folder)
            return
    except OSError as error:
        what = (
            "other programs have it mounted; render into a folder in it"
            if error.errno in (errno.EBUSY, errno.EXDEV)
            else f"cannot be replaced ({error.strerror}); render into another folder"
        )
        raise TarmacError(f"{folder}: {what}") from None
    with contextlib.suppress(OSError):  # the successor is whole, and stays
        _make_same(work / "tree", folder, work / "part", written, removed)
        if _entries(folder) == entries:  # no file was added meanwhile
            _exchange(work / "tree", folder)


def _entries(folder: Path) -> dict[str, int]:
    # Not their times: a server may be writing to the very files that are in both.
    return {path: status.st_ino for path, status in scan(folder).items()}


def _make_same(
    old: Path, new: Path, part: Path, written: Collection[str], removed: Collection[str]
) -> None:
    """Make an old folder what the new one is, in place."""
    for path in removed:
        (old / path).unlink()
    gone = {parent for path in removed for parent in above(path)} | set(written)
    for parent in sorted(gone, reverse=True):
        if (old / parent).is_dir() and not (new / parent).is_dir():
            (old / parent).rmdir()
    for path in written:
        (old / path).parent.mkdir(parents=True, exist_ok=True)
        _link(new / path, part)
        part.replace(old / path)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; return False where the system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(one), os.fsencode(other))
    try:
        if sys.platform == "darwin":
            failed = libc.renamex_np(*names, _EXCHANGE)
        else:
            failed = libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE)
    except AttributeError:  # a C library without it
        return False
    if not failed:
        return True
    if (code := ctypes.get_errno()) in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code))


def _clear(work: Path, folder: Path) -> None:
    """Delete what is left beside; an old folder that nothing took the place of is put back."""
    if (work / "old").is_dir() and not (work / "old").is_symlink() and not folder.exists():
        (work / "old").rename(folder)
    (work / "part").unlink(missing_ok=True)
    for name in ("tree", "old"):
        if (work / name).exists():
            shutil.rmtree(work / name, onerror=_unlock)


def _unlock(function: Callable[[str], object], path: str, _: object) -> None:
    """Delete the content of a read-only folder; files' own modes are shared."""
    for entry in (Path(path).parent, Path(path)):
        if entry.is_dir() and not entry.is_symlink():
            entry.chmod(0o700)
    function(path)
