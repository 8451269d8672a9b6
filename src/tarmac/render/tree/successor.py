"""Builds the folder that takes a rendered one's place; used by `swap`, which puts it there.

Every folder is opened below an open one, by its name and through no link, and what is in it is
reached through that descriptor: a folder that is swapped for a link meanwhile leads nowhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from tarmac.base import writing
from tarmac.base.errors import TarmacError
from tarmac.render.tree.decision import above

#: What is looked at again before the exchange: a file that was saved in between is seen.
Seen = tuple[int, int, int, int]


def scan(folder: Path | str, parent: int | None = None) -> dict[str, os.stat_result]:
    """List everything in a folder by its path, links not followed; empty for none.

    Args:
        parent: an open folder that it is in; None: `folder` is a path.
    """
    found: dict[str, os.stat_result] = {}

    def walk(name: Path | str, within: int | None, prefix: str) -> None:
        descriptor = os.open(name, writing.FOLDER, dir_fd=within)
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    path = f"{prefix}{entry.name}"
                    with contextlib.suppress(FileNotFoundError):  # a server's own, gone again
                        found[path] = entry.stat(follow_symlinks=False)
                        if entry.is_dir(follow_symlinks=False):
                            walk(entry.name, descriptor, f"{path}/")
        finally:
            os.close(descriptor)

    with contextlib.suppress(FileNotFoundError):
        walk(folder, parent, "")
    return found


def build(
    old: int | None,
    new: int,
    before: Mapping[str, os.stat_result],
    contents: Mapping[str, tuple[bytes, bool]],
    removed: Collection[str],
) -> None:
    """Fill the new folder.

    Args:
        old: the folder that it succeeds, open; None where there is none.
        new: an empty one, open.
        before: what `scan` found in the old one.
        contents: what is written, and whether it can be executed.
        removed: files that it must not have.
    """
    kept = [
        path
        for path, status in before.items()
        if not stat.S_ISDIR(status.st_mode) and path not in contents and path not in removed
    ]
    full = {parent for path in before for parent in above(path)}
    empty = {p for p, status in before.items() if stat.S_ISDIR(status.st_mode)} - full
    folders = {parent for path in (*kept, *contents, *empty) for parent in above(path)} | empty
    linked, written = by_folder(kept), by_folder(contents)
    for parent in sorted({"", *folders - contents.keys()}):
        with inside(new, parent, makes=True) as target:
            if old is not None and parent in linked:
                with contextlib.suppress(FileNotFoundError), inside(old, parent) as source:
                    for path, name in linked[parent]:
                        with contextlib.suppress(FileNotFoundError):  # a server's own, gone again
                            link(source, name, target, name, path)
            for path, name in written.get(parent, ()):
                content, executable = contents[path]
                mode = _mode(before.get(path), executable)
                writing.fill(target, name, content, mode, executable=executable)
    # Last: a read-only one could not have been filled.
    for parent in sorted(folders, reverse=True):
        if parent in before:
            with inside(new, parent) as made:
                _look_like(made, before[parent])
    if old is not None:
        _look_like(new, os.fstat(old))


def by_folder(paths: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Group paths by their folder, each with the last name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in paths:
        parent, _, name = path.rpartition("/")
        found.setdefault(parent, []).append((path, name))
    return found


@contextlib.contextmanager
def inside(folder: int, path: str, *, makes: bool = False) -> Iterator[int]:
    """Open a folder below another one, name by name; made if it is not there and `makes`.

    Raises:
        OSError: it is not there, or a link is in its place or in that of one above it.
    """
    inner = os.dup(folder)
    try:
        for name in path.split("/") if path else ():
            if makes:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, dir_fd=inner)
            outer, inner = inner, os.open(name, writing.FOLDER, dir_fd=inner)
            os.close(outer)
        yield inner
    finally:
        os.close(inner)


def link(old: int, name: str, new: int, new_name: str, path: str) -> None:
    """Link a file of one open folder in another; copy it where a file system has no links.

    Args:
        path: names the file in an error.
    """
    try:
        os.link(name, new_name, src_dir_fd=old, dst_dir_fd=new, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.EXDEV:
            what = "is a mount point; render into a folder without it"
            raise TarmacError(f"{path}: {what}") from None
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        _copy(old, name, new, new_name)


def _copy(old: int, name: str, new: int, new_name: str) -> None:
    status = os.stat(name, dir_fd=old, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=old), new_name, dir_fd=new)
        return
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a regular file", name)
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=old)
    with os.fdopen(source, "rb") as read:
        target = os.open(new_name, writing.NEW, 0o600, dir_fd=new)
        with os.fdopen(target, "wb") as copy:
            while part := read.read(1 << 20):
                copy.write(part)
            copy.flush()
            os.fchmod(target, stat.S_IMODE(status.st_mode))
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _mode(before: os.stat_result | None, executable: bool) -> int | None:
    """Return the mode of the file before, with the bit; None: a new file's."""
    if before is None or not stat.S_ISREG(before.st_mode):
        return None
    mode = stat.S_IMODE(before.st_mode)
    return mode | (mode & 0o444) >> 2 if executable else mode & ~0o111


def _look_like(folder: int, status: os.stat_result) -> None:
    os.fchmod(folder, stat.S_IMODE(status.st_mode))
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(PermissionError):
            os.fchown(folder, status.st_uid, status.st_gid)


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
