"""Starts a program on files that nothing changes, as in a container, and yet it goes on.

Started by `start.py` as `python -I -S layers.py LAYER FOLDER KEPT PROGRAM ...`, with standard
library modules only; it becomes the program. Each folder of the root has an overlay: what is
written there lands in LAYER, by the folder's quoted path. /tmp, /run and KEPT are as ever.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from urllib.parse import quote

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000  # linux/sched.h
MS_RDONLY, MS_REMOUNT, MS_BIND = 0x1, 0x20, 0x1000  # linux/mount.h
MS_REC, MS_PRIVATE = 0x4000, 0x40000
#: Folders of the root that a program may write to, or whose files are none.
LEFT = ("dev", "proc", "run", "sys", "tmp")
TRIED_S = 20


def refusal(folder: Path) -> str:
    """Return why this machine allows no such layer over a folder; empty: it does."""
    if not sys.platform.startswith("linux"):
        return "it needs overlay mounts, which are Linux's; run Tarmac in a container or a VM"
    with tempfile.TemporaryDirectory(dir="/tmp") as layer:
        argv = command(Path(layer), folder, (), ("true",))
        try:
            tried = subprocess.run(
                argv, capture_output=True, text=True, timeout=TRIED_S, check=False
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {TRIED_S} s"
        make_removable(Path(layer))
    return tried.stderr.strip() if tried.returncode else ""


def command(
    layer: Path, folder: Path, kept: Iterable[str], program: Sequence[str]
) -> tuple[str, ...]:
    """Write the command that starts a program so.

    Args:
        folder: where it starts.
        kept: folders that it may write to.
    """
    paths = json.dumps(sorted({*kept}))
    return (sys.executable, "-I", "-S", __file__, str(layer), str(folder), paths, *program)


def make_removable(layer: Path) -> None:
    """Open the folders that the kernel has made for itself, so that a layer can be deleted."""
    for folder in layer.rglob("work/work"):
        with contextlib.suppress(OSError):
            folder.chmod(0o700)


class _Mounts:
    """The mounts of this process, once it has its own."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        #: It is not root, and so it is in a user namespace of its own.
        self.is_mapped = False

    def separate(self) -> None:
        uid, gid = os.geteuid(), os.getegid()
        if self._libc.unshare(CLONE_NEWNS) != 0:
            self.is_mapped = True
            if self._libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
                why = os.strerror(ctypes.get_errno())
                raise OSError(f"a mount namespace is not allowed here ({why})")
            for name, line in (
                ("setgroups", "deny"),
                ("uid_map", f"{uid} {uid} 1"),
                ("gid_map", f"{gid} {gid} 1"),
            ):
                Path(f"/proc/self/{name}").write_text(line)
        self._mount("none", "/", "", MS_REC | MS_PRIVATE)

    def bind(self, source: int, target: str) -> None:
        self._mount(f"/proc/self/fd/{source}", target, "", MS_BIND | MS_REC)

    def shut(self, target: str) -> None:
        self._mount("none", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY)

    def cover(self, lower: int, target: str, place: Path) -> None:
        """Mount a layer over a folder: reads see the folder's files, writes go to the layer."""
        upper, work = place / "upper", place / "work"
        status = os.stat(lower)
        for folder in (upper, work):
            folder.mkdir(parents=True)
        upper.chmod(status.st_mode & 0o7777)  # what the folder itself has from now on
        with contextlib.suppress(OSError):
            os.chown(upper, status.st_uid, status.st_gid)
        options = f"lowerdir=/proc/self/fd/{lower},upperdir={upper},workdir={work}"
        options += ",userxattr" if self.is_mapped else ""
        self._mount("overlay", target, "overlay", 0, options)

    def _mount(self, source: str, target: str, kind: str, flags: int, options: str = "") -> None:
        given = [os.fsencode(text) or None for text in (source, target, kind)]
        if self._libc.mount(*given, ctypes.c_ulong(flags), os.fsencode(options) or None) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"an overlay is not allowed here ({os.strerror(number)})")


def _enter(layer: Path, folder: str, kept: Iterable[str]) -> None:
    mounts = _Mounts()
    mounts.separate()
    left = [f"/{name}" for name in LEFT]
    tops = [entry.path for entry in os.scandir("/") if entry.is_dir(follow_symlinks=False)]
    covered = sorted({*tops} - {*left})
    others = {path for path in _mount_points() if any(_is_below(path, top) for top in covered)}
    own = {folder} if any(_is_below(folder, path) for path in left) else set()
    # All of them first: what is mounted over a folder hides what is mounted below it.
    opened = {}
    for path in (*sorted({*covered, *others, *own}), *kept):
        with contextlib.suppress(OSError):
            opened[path] = os.open(path, os.O_PATH)
    for path in left:  # stays writable when the root is not
        with contextlib.suppress(OSError):
            mounts.bind(os.open(path, os.O_PATH), path)
    done, why = set(), None
    for path in sorted({*covered, *others, *own} & opened.keys(), key=lambda p: PurePath(p).parts):
        try:
            mounts.cover(opened[path], path, layer / quote(path, safe=""))
            done.add(path)
        except OSError as error:
            why = error
            if path in others:
                with contextlib.suppress(OSError):
                    mounts.bind(opened[path], path)
    if not any(_is_below(folder, path) for path in done):
        raise why or OSError(f"{folder} cannot be covered")
    for path in kept:
        if path in opened:
            mounts.bind(opened[path], path)
        else:  # in the layer: there it is as empty as in a container
            Path(path).mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # one that is not root may not write there
        mounts.shut("/")
    for descriptor in opened.values():
        os.close(descriptor)


def _is_below(path: str, folder: str) -> bool:
    return PurePath(path).is_relative_to(folder)


def _mount_points() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    fields = [line.split(" ")[4] for line in lines]
    return [re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path) for path in fields]


def main(layer: str, folder: str, kept: str, *program: str) -> None:
    """Become the program."""
    # As it was given: the interpreter may have added to it.
    given = Path("/proc/self/environ").read_bytes().split(b"\0")
    env = dict(entry.split(b"=", 1) for entry in given if b"=" in entry)
    try:
        _enter(Path(layer), os.path.realpath(folder), json.loads(kept))
        os.chdir(folder)
    except OSError as error:
        sys.exit(f"read-only files: {error.strerror or error}")
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(program[0], program, env)  # noqa: S606 - no shell is meant
    except OSError as error:
        sys.exit(f"'{program[0]}' cannot be run ({error.strerror})")


if __name__ == "__main__":
    main(*sys.argv[1:])
