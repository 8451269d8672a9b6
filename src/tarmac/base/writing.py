"""Writes files below a folder that is opened once: through no link, whole or not at all.

Called by every verb that writes into a user's repository, or to a file that the user named. The
content of a repository is others': a link in it must not lead a write outside. A leaf.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tarmac.base.errors import BadInput, Problem, TarmacError, printable
from tarmac.base.pids import is_running

#: Bytes of one name that every usual file system takes.
LONGEST_NAME = 255
#: Characters of a name in an error.
SHOWN = 80
#: What tells that a folder is the top of a repository or of a model.
MARKS = (".git", "tarmac.yaml")
#: How a folder below an open one is opened, and a new file: through no link.
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Root:
    """An open folder; nothing is written outside of it."""

    folder: Path
    descriptor: int


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Root]:
    """Open a folder that the user named: links that lead to it are followed, links in it never.

    Raises:
        BadInput: it is not a folder.
        OSError: it is not there, or the disk refuses.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except NotADirectoryError:
        raise BadInput([Problem(shown(folder), "is not a folder; name one")]) from None
    try:
        yield Root(folder, descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def around(file: Path) -> Iterator[tuple[Root, str]]:
    """Open the top folder of the repository that a file is in; yield it with the file's path in it.

    Outside of every repository that is the file's own folder, which is made if it is not there.
    """
    check_name(file)
    path = Path(os.path.abspath(file))  # noqa: PTH100 - links are found, not followed
    top = _top(path)
    if top is None:
        _make_outside(path.parent)
    folder = top or path.parent
    with opened(folder) as root:
        yield root, path.relative_to(folder).as_posix()


def write_file(file: Path, content: bytes | str, *, mode: int | None = None) -> None:
    """Write a file that the user named, with its folders. Arguments and errors: as `write`."""
    try:
        with around(file) as (root, path):
            write(root, path, content, mode=mode)
    except OSError as error:
        error.filename = str(file)  # not that of the part of it which is written first
        raise


@contextlib.contextmanager
def streamed(file: Path, *, mode: int) -> Iterator[BinaryIO]:
    """Give a stream whose content becomes a file that the user named, once the block has ended.

    For what is too large to be in memory. Errors: as `write`; the file is left as it was then.
    """
    with around(file) as (root, path), _parent(root, path) as (folder, name):
        before = _status(folder, name)
        if before is not None:
            _refuse_other(root, path, before)
        _remove_parts(folder, {name})
        part = f".{name[:100]}.{os.getpid()}.part"
        try:
            with os.fdopen(os.open(part, NEW, mode, dir_fd=folder), "wb") as stream:
                yield stream
            os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise


def make_at(folder: Path) -> None:
    """Make a folder that the user named, with those above it; through no link of its repository.

    Raises:
        BadInput, OSError: as `write`.
    """
    with made(folder):
        pass


@contextlib.contextmanager
def made(folder: Path) -> Iterator[Root]:
    """Make a folder as `make_at` does, and open it."""
    with around(folder) as (root, path), inside(root, path) as inner:
        yield inner


@contextlib.contextmanager
def inside(root: Root, path: str) -> Iterator[Root]:
    """Open a folder below the root, made with those above it if it is not there; "": the root.

    Raises:
        BadInput, OSError: as `write`.
    """
    descriptor = _walk(root, path, makes=True) if path else os.dup(root.descriptor)
    try:
        yield Root(root.folder / path, descriptor)
    finally:
        os.close(descriptor)


def refuse_links(folder: Path) -> None:
    """Refuse a folder that a link in its repository leads to. It need not be there.

    Raises:
        BadInput: the path goes through a link, or through a file that is not a folder.
    """
    check_name(folder)
    path = Path(os.path.abspath(folder))  # noqa: PTH100 - links are found, not followed
    top = _top(path)
    if top is None:
        return
    with opened(top) as root, contextlib.suppress(FileNotFoundError):
        os.close(_walk(root, path.relative_to(top).as_posix()))


def write(
    root: Root,
    path: str,
    content: bytes | str,
    *,
    mode: int | None = None,
    replaces_link: bool = False,
) -> None:
    """Write a file as a whole in place of an older one, with the folders above it.

    Args:
        path: of the file, relative to the root.
        content: text is written as UTF-8.
        mode: None: that of the file before, else what the process gives to new files.
        replaces_link: a link in the file's place is replaced, and not refused.

    Raises:
        BadInput: the path leaves the root, goes through a link, or ends in something else than a
        file. OSError: the disk refuses.
    """
    with _parent(root, path) as (folder, name):
        before = _status(folder, name)
        if before is not None and not (replaces_link and stat.S_ISLNK(before.st_mode)):
            _refuse_other(root, path, before)
            mode = stat.S_IMODE(before.st_mode) if mode is None else mode
        _remove_parts(folder, {name})
        _replace(folder, name, content, mode, before)


def write_all(root: Root, folder: str, contents: Mapping[str, bytes | str]) -> None:
    """Write files of one folder, each as `write` does; the folder is looked through once.

    Args:
        folder: relative to the root.
        contents: by the files' names.

    Raises:
        BadInput, OSError: as `write`; the files before are written.
    """
    with inside(root, folder) as inner:
        _remove_parts(inner.descriptor, {*contents})
        for name, content in contents.items():
            if len(_parts(name)) != 1:
                raise BadInput([Problem(shown(name), "is not the name of a file; give one")])
            before = _status(inner.descriptor, name)
            mode = None
            if before is not None:
                _refuse_other(inner, name, before)
                mode = stat.S_IMODE(before.st_mode)
            _replace(inner.descriptor, name, content, mode, before)


def _replace(
    folder: int, name: str, content: bytes | str, mode: int | None, before: os.stat_result | None
) -> None:
    """Write a file in an open folder in place of the one before."""
    part = f".{name[:100]}.{os.getpid()}.part"
    try:
        fill(folder, part, content, mode)
        if before is not None:
            _give(folder, part, before)
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part, dir_fd=folder)
        raise


def write_new(root: Root, path: str, content: bytes | str) -> bool:
    """Write a file where nothing is, not even a link; return False where something is.

    Arguments and errors: as `write`.
    """
    with _parent(root, path) as (folder, name):
        try:
            fill(folder, name, content, None)
        except FileExistsError:
            return False
    return True


def make_folder(root: Root, path: str, *, mode: int = 0o777) -> None:
    """Make a folder with those above it; one that is there stays as it is.

    Args:
        mode: of the last one, where it is made.

    Raises:
        BadInput, OSError: as `write`.
    """
    with _parent(root, path) as (folder, name):
        os.close(_enter(root, path, folder, name, mode))


def remove(root: Root, path: str) -> None:
    """Remove a file or a link, and the folders above it that are empty then.

    Raises:
        BadInput, OSError: as `write`.
    """
    with contextlib.suppress(FileNotFoundError), _parent(root, path, makes=False) as found:
        os.unlink(found[1], dir_fd=found[0])
    above = path.rpartition("/")[0]
    while above and remove_folder(root, above):
        above = above.rpartition("/")[0]


def remove_folder(root: Root, path: str) -> bool:
    """Remove an empty folder; return False where something is in it, or it cannot be."""
    try:
        with _parent(root, path, makes=False) as (folder, name):
            os.rmdir(name, dir_fd=folder)
    except (OSError, BadInput):
        return False
    return True


def fill(
    folder: int, name: str, content: bytes | str, mode: int | None, *, executable: bool = False
) -> None:
    """Make a file in an open folder; where it cannot be filled, none is left.

    Args:
        mode: None: what the process gives to new files.
        executable: without a mode, users who may read it may execute it.

    Raises:
        OSError: something has its name, or the disk refuses.
    """
    descriptor = os.open(name, NEW, 0o777 if executable and mode is None else 0o666, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise


def check_name(path: str | Path) -> None:
    """Refuse a path with a name that no file can have, or that a terminal would act on.

    Raises:
        BadInput: a name is too long, or has control characters.
    """
    text = os.fspath(path)
    for name in Path(text).parts:
        if len(os.fsencode(name)) > LONGEST_NAME:
            what = f"a name of {len(name)} characters, where {LONGEST_NAME} bytes are the most"
            raise BadInput([Problem(shown(text), f"{what}; shorten it")])
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise BadInput([Problem(shown(text), "a name with control characters; rename it")])


def shown(path: str | Path) -> str:
    """Write a path for an error: of limited length, control characters and the like escaped."""
    text = os.fspath(path)
    if len(text) > 4 * SHOWN:
        text = f"{text[:SHOWN]}...{text[-SHOWN:]}"
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _top(path: Path) -> Path | None:
    """Find the outermost repository or model that a path is in, that of a home folder left out."""
    home = Path(os.environ.get("HOME") or "/")
    for folder in reversed(path.parents):
        if not home.is_relative_to(folder) and any(
            os.path.lexists(folder / mark) for mark in MARKS
        ):
            return folder
    return None


def _make_outside(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TarmacError(f"{shown(folder)}: cannot be made ({error.strerror})") from None


def _parts(path: str) -> list[str]:
    check_name(path)
    parts = path.split("/")
    if not path or any(part in {"", ".", ".."} for part in parts):
        what = "is outside the output folder; give a path below it"
        raise BadInput([Problem(shown(path), what)])
    return parts


@contextlib.contextmanager
def _parent(root: Root, path: str, *, makes: bool = True) -> Iterator[tuple[int, str]]:
    """Open the folder of a path; yield it with the last name. It is made if it is not there."""
    *above, name = _parts(path)
    folder = _walk(root, "/".join(above), makes=makes) if above else os.dup(root.descriptor)
    try:
        yield folder, name
    finally:
        os.close(folder)


def _walk(root: Root, path: str, *, makes: bool = False) -> int:
    """Open a folder below the root, name by name; the caller closes it."""
    folder, done = os.dup(root.descriptor), ""
    for name in _parts(path):
        done = f"{done}/{name}" if done else name
        try:
            inner = _enter(root, done, folder, name, 0o777 if makes else None)
        finally:
            os.close(folder)
        folder = inner
    return folder


def _enter(root: Root, path: str, folder: int, name: str, mode: int | None) -> int:
    """Open a folder in another one, made with a mode if that is given."""
    if mode is not None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=folder)
    try:
        return os.open(name, FOLDER, dir_fd=folder)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
            raise
        status = _status(folder, name)
        is_link = status is not None and stat.S_ISLNK(status.st_mode)
        what = (
            "is a link, and Tarmac does not write through links" if is_link else "is not a folder"
        )
        how = "remove it, or name the folder that it leads to"
        raise BadInput([Problem(shown(root.folder / path), f"{what}; {how}")]) from None


def _remove_parts(folder: int, names: AbstractSet[str]) -> None:
    """Remove what killed writers of files left, and what has the name of this one's parts."""
    end = ".part"
    parts = [left for left in os.listdir(folder) if left.startswith(".") and left.endswith(end)]
    begins = {name[:100] for name in names} if parts else set()
    for left in parts:
        begin, _, pid = left[1 : -len(end)].rpartition(".")
        is_left = begin in begins and pid.isdecimal()
        if is_left and (int(pid) == os.getpid() or not is_running(int(pid))):
            with contextlib.suppress(OSError):
                os.unlink(left, dir_fd=folder)


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _refuse_other(root: Root, path: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    is_link = stat.S_ISLNK(status.st_mode)
    what = (
        "is a link, and Tarmac does not write through links" if is_link else "is not a regular file"
    )
    raise BadInput([Problem(shown(root.folder / path), f"{what}; remove it")])


def _give(folder: int, name: str, before: os.stat_result) -> None:
    """Give a new file to the owner of the one before, where this user may, as root may."""
    if (before.st_uid, before.st_gid) == (os.geteuid(), os.getegid()):
        return
    mode = stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    with contextlib.suppress(PermissionError):
        os.chown(name, before.st_uid, before.st_gid, dir_fd=folder, follow_symlinks=False)
        os.chmod(name, mode, dir_fd=folder)
