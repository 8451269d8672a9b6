"""Opens a file that others wrote: a regular one, of a limited size, in UTF-8.

A named pipe, a device or an endless file must not hang its reader or fill its memory, and a link
must not show what is outside of the folder that was named.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from tarmac.base.errors import BadInput, Problem

#: A file written by hand is kilobytes; a larger one is generated, or made to fill the memory.
MAX_BYTES = 2_000_000
#: Files that a program writes: a lock file of ten thousand lines, a report of as many tests.
MAX_GENERATED_BYTES = 50_000_000
_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MARK = b"\xef\xbb\xbf"


def content(
    path: str | Path, *, limit: int = MAX_BYTES, root: Path | None = None, start: bool = False
) -> bytes:
    """Read a file's bytes.

    Args:
        limit: the most bytes that it may have.
        root: the folder that it has to be in, links followed; None: anywhere.
        start: give its first `limit` bytes, however many there are.

    Raises:
        OSError: it cannot be read, and its `strerror` says why: not a regular file, too large, a
        link
            that leads out of the root.
    """
    real = path if root is None else _inside(path, root)
    # A named pipe is not waited for; the last part of a resolved path is not a link.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if root else 0)
    try:
        descriptor = os.open(real, flags)
    except ValueError as error:  # a NUL in the path
        raise OSError(errno.EINVAL, str(error), str(path)) from None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.EINVAL, "a socket, not a regular file", str(path)) from None
        raise
    try:
        size = _regular_size(descriptor, path)
        if size > limit and not start:
            raise _too_large(size, limit, path)
        raw = _read(descriptor, limit if start else limit + 1, size)
    finally:
        os.close(descriptor)
    if len(raw) > limit:  # one of /proc has no size, and another may grow meanwhile
        raise _too_large(len(raw), limit, path)
    return raw


def text(
    path: str | Path,
    *,
    name: str = "",
    limit: int = MAX_BYTES,
    root: Path | None = None,
    marked: bool = False,
) -> str:
    """Read a file's text, its lines ended by newlines. Arguments and limits are those of `content`.

    Args:
        name: the file's name in errors; its path without.
        marked: take UTF-16 as well, which its mark tells.

    Raises:
        BadInput: it cannot be read, or is not UTF-8; with its place.
    """
    said = name or shown(path)
    try:
        raw = content(path, limit=limit, root=root)
    except OSError as error:
        raise BadInput([Problem(said, unread(error))]) from None
    if marked and raw.startswith(_UTF16):
        raw = raw.decode("utf-16", errors="replace").encode()
    whole = decoded(raw, said)
    return whole.replace("\r\n", "\n").replace("\r", "\n") if "\r" in whole else whole


def unread(error: OSError) -> str:
    """Say of a file what `content` raised, and what to do."""
    advice = {errno.EFBIG: "shorten it", errno.EXDEV: "put the file itself there"}
    what = advice.get(error.errno or 0, "correct the path or its mode")
    return f"cannot be read ({error.strerror or error}); {what}"


def shown(path: str | Path) -> str:
    """Write a path with slashes, as far as its name is text."""
    return Path(path).as_posix().encode(errors="surrogateescape").decode(errors="replace")


def decoded(raw: bytes, name: str) -> str:
    """Decode a file's bytes, a byte order mark left out; lines and columns count from 1, in bytes.

    Raises:
        BadInput: they are not UTF-8; with the place of the first one that is not.
    """
    if raw.startswith(_UTF16):
        raise BadInput([Problem(f"{name}:1:1", "the file is UTF-16; save it as UTF-8")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from behind a byte order mark.
        start = error.start + (len(_MARK) if raw.startswith(_MARK) else 0)
        before = raw[:start]
        place = f"{name}:{before.count(10) + 1}:{start - before.rfind(10)}"
        what = f"not UTF-8 (byte 0x{raw[start]:02x}); save the file as UTF-8"
        raise BadInput([Problem(place, what)]) from None


def _inside(path: str | Path, root: Path) -> str:
    """Resolve a path. Raises OSError where that leads out of the root."""
    real, base = os.path.realpath(path), os.path.realpath(root)
    if real != base and not real.startswith(base.rstrip(os.sep) + os.sep):
        raise OSError(errno.EXDEV, f"a link that leads out of {shown(base)}", str(path))
    return real


def _regular_size(descriptor: int, path: str | Path) -> int:
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
    raise OSError(errno.EINVAL, f"{kind}, not a regular file", str(path))


def _too_large(size: int, limit: int, path: str | Path) -> OSError:
    return OSError(errno.EFBIG, f"{size} bytes, where at most {limit} are read", str(path))


def _read(descriptor: int, most: int, size: int) -> bytes:
    parts: list[bytes] = []
    while most > 0 and (part := os.read(descriptor, min(most, max(size, 4095) + 1))):
        parts.append(part)
        most -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
