"""Packs the data of a store into a compressed archive (tar, gzip), and unpacks it again.

An archive may come from elsewhere: only regular files and folders below its own top are taken.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from tarmac.base.errors import BadInput, Problem
from tarmac.base.writing import LONGEST_NAME, NEW, shown
from tarmac.run.local.snapshots import copying
from tarmac.run.local.snapshots.copying import DataSize

#: The fastest: half of a database's size, at 100 MB/s and more.
LEVEL = 1
CHUNK = 1024**2
#: More members, or deeper folders, than any store's data has.
MOST_FILES, DEEPEST = 2_000_000, 64
#: What headers may take of an archive besides the files' content.
HEADER_BYTES = 4096


class BoundedStream:
    """A stream of which no more is read at once, or in all, than there can be.

    The headers of an archive say how much is to be read: one that lies would fill the memory.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._most = most

    def read(self, size: int = -1) -> bytes:
        """Read at most so much. Raises tarfile.ReadError of one that is too large."""
        if not 0 <= size <= 16 * CHUNK or self._stream.tell() + size > self._most:
            raise tarfile.ReadError("it is larger than it says")
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        """Go on to a position."""
        if position > self._most:
            raise tarfile.ReadError("it is larger than it says")
        return self._stream.seek(position)

    def tell(self) -> int:
        """Tell the position."""
        return self._stream.tell()


def pack(folder: Path, archive: Path) -> None:
    """Write a folder's content into a new archive. Raises BadInput where the disk is full."""
    try:
        with (
            os.fdopen(os.open(archive, NEW, 0o600), "wb") as file,
            gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=LEVEL) as packed,
            tarfile.open(
                fileobj=cast("IO[bytes]", packed),
                mode="w",
                format=tarfile.PAX_FORMAT,
            ) as tar,
        ):
            tar.copybufsize = CHUNK  # type: ignore[attr-defined]
            for path in sorted(folder.iterdir()):
                tar.add(path, path.name, filter=_nameless)
            tar.close()
            packed.close()
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise copying.no_room(error, archive) from None


def unpack(archive: Path, folder: Path, expected: DataSize) -> None:
    """Unpack an archive into a new folder; nothing is written outside of it.

    Args:
        expected: what it holds, by its manifest.

    Raises:
        BadInput: it is damaged or hostile, or the disk is full.
    """
    done = DataSize()
    try:
        folder.mkdir(mode=0o700)
        for tar, member in _members(archive, expected.size_bytes):
            path = folder / member.name
            if member.isdir():
                path.mkdir(mode=0o700)
            else:
                _write(tar, member, path)
                done += DataSize(1, member.size)
            copying.keep_owner(path, member.uid, member.gid)
    except OSError as error:
        raise copying.no_room(error, folder) from None
    _refuse_less(archive, done, expected)


def check(archive: Path, expected: DataSize) -> None:
    """Read an archive to its end without writing. Raises BadInput as `unpack`."""
    done = DataSize()
    for _, member in _members(archive, expected.size_bytes):
        done += DataSize(int(member.isreg()), member.size)
    _refuse_less(archive, done, expected)


def _refuse_less(archive: Path, done: DataSize, expected: DataSize) -> None:
    if done != expected:
        found = f"{done.files} files of {done.size_bytes} bytes"
        says = f"its manifest says {expected.files} of {expected.size_bytes}"
        raise _damaged(archive, f"{found}, where {says}")


def _members(archive: Path, size_bytes: int) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    most = size_bytes + CHUNK + (size_bytes // CHUNK + 1_000) * HEADER_BYTES + MOST_FILES * 16
    names = 0
    try:
        with gzip.open(archive) as stream:
            bounded = cast("IO[bytes]", BoundedStream(cast("IO[bytes]", stream), most))
            with tarfile.open(fileobj=bounded, mode="r:", tarinfo=tarfile.TarInfo) as tar:
                while (member := tar.next()) is not None:
                    names += 1
                    _refuse_other(archive, member, names)
                    yield tar, member
                    tar.members = []  # type: ignore[attr-defined] # it would remember all of them
            while stream.read(CHUNK):  # its checksum stands at the end
                if stream.tell() > most:
                    raise _damaged(archive, "it is larger than it says")
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, ValueError) as error:
        raise _damaged(archive, str(error) or type(error).__name__) from None


def _refuse_other(archive: Path, member: tarfile.TarInfo, names: int) -> None:
    """Refuse what could leave the folder, or is neither file nor folder."""
    parts = member.name.split("/")
    if member.name.startswith("/") or any(part in {"", ".", ".."} for part in parts):
        raise _damaged(archive, f"'{shown(member.name)}' leaves its folder")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise _damaged(archive, f"'{shown(member.name)}' is neither a file nor a folder")
    if len(parts) > DEEPEST or any(len(os.fsencode(part)) > LONGEST_NAME for part in parts):
        raise _damaged(archive, f"'{shown(member.name)}' is too deep or too long")
    if "\0" in member.name or member.size < 0 or names > MOST_FILES:
        raise _damaged(archive, f"'{shown(member.name)}' cannot be of a store")


def _damaged(archive: Path, why: str) -> BadInput:
    what = f"not an archive of a snapshot ({why}); export it again"
    return BadInput([Problem(shown(archive), what)])


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    content = tar.extractfile(member)
    if content is None:
        raise tarfile.ReadError("a file without content")
    with os.fdopen(os.open(path, NEW, 0o600), "wb") as file:
        while chunk := content.read(CHUNK):
            file.write(chunk)
        if file.tell() != member.size:
            raise tarfile.ReadError("it ends too early")


def _nameless(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out names of users, and what is neither file nor folder."""
    member.uname = member.gname = ""
    member.mode = 0o700 if member.isdir() else 0o600
    if member.islnk():  # a second name of a file: its content once more
        member.type = tarfile.REGTYPE
    return member if member.isreg() or member.isdir() else None
