"""Reads a repository at a revision, without checking it out, or a folder as it is.

One `git cat-file` process serves all reads of a revision. Nothing is ever written.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from tarmac.base.errors import BadInput, MissingTool, Problem, TarmacError
from tarmac.base.foreign import files, git

FILE = "tarmac.yaml"
SYSTEMS = "systems"
#: What is said of the side that is not a revision.
WORKING_TREE = "working tree"


@dataclass(frozen=True)
class Revision:
    """One side: where its systems are, and how a file of it is read."""

    #: How a reader names it: a revision, a folder, or the working tree.
    label: str
    #: The systems' files, relative to the side's folder, with slashes.
    files: tuple[str, ...]
    #: Reads a file; raises OSError.
    read: Callable[[str], bytes]
    #: What a file's name begins with, so that a reader can open it.
    prefix: str = ""


#: A side as it is below one of the repository's folders; a folder that is named stays itself.
Side = Callable[[str], Revision]


@contextmanager
def sources(base: str, head: str | None, here: Path) -> Iterator[tuple[Revision, Revision]]:
    """Open both sides; the processes that read them end with the block.

    Args:
        base: a revision of git, or a folder.
        head: the same; None: the working tree.
        here: the folder from which they are named.

    Raises:
        BadInput: one that is neither, or has no system.
        MissingTool: git is not there.
    """
    root = _top(here)
    inside = root is not None and here.is_relative_to(root)
    below = here.relative_to(root).as_posix() if root is not None and inside else "."
    with ExitStack() as stack:
        one = stack.enter_context(_opened(base, here))
        if head is None:
            other: Side = partial(_working_tree, root or here, here)
        else:
            other = stack.enter_context(_opened(head, here))
        for level in _upwards(below):  # the nearest with systems on any side
            found = one(level), other(level)
            if found[0].files or found[1].files:
                yield found
                return
        problems = [
            Problem(
                revision.label,
                f"no {FILE} and no {SYSTEMS}/*/{FILE} there; name a folder that has one",
            )
            for revision in found
        ]
        raise BadInput(problems)


@contextmanager
def _opened(name: str, here: Path) -> Iterator[Side]:
    """Open a revision; a folder where there is no such revision, or its name is a path."""
    folder = here / name
    is_path = name.startswith((".", "/", "~")) or name.endswith("/")
    top = None if is_path else _top(here, needed=not folder.is_dir())
    commit = _commit(name, here) if top is not None else None
    if commit is not None:
        with _Batch(here) as batch:
            yield partial(_revision, name, commit, batch, here)
        return
    if not folder.is_dir():
        what = "no such folder" if is_path else "no such revision or folder"
        if folder.is_file():
            what = "a file; compare the folders that hold it"
        hint = "; `git fetch` it" if not is_path and top is not None else ""
        raise BadInput([Problem(name, f"{what}{hint or '; correct it'}")])
    yield lambda _: _folder(folder, name, f"{name.rstrip('/')}/")


def _working_tree(root: Path, here: Path, level: str) -> Revision:
    folder = root / level
    shown = os.path.relpath(folder, here)
    return _folder(folder, WORKING_TREE, "" if shown == "." else f"{shown}/")


def _top(here: Path, *, needed: bool = False) -> Path | None:
    """Find the repository's folder; None where there is none."""
    try:
        answer = _git(here, "rev-parse", "--show-toplevel")
    except MissingTool:
        if needed:
            raise
        return None
    if answer.returncode != 0:
        if needed and b"not a git repository" not in answer.stderr:
            raise BadInput([Problem(str(here), f"git says: {git.said(answer)}; correct that")])
        return None
    return Path(os.fsdecode(answer.stdout).rstrip("\n"))


def _commit(name: str, here: Path) -> str | None:
    if name.startswith("-") or not name or "\n" in name or "\0" in name:
        return None
    answer = _git(here, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return answer.stdout.decode().strip() if answer.returncode == 0 else None


def _revision(name: str, commit: str, batch: _Batch, here: Path, level: str) -> Revision:
    """List the systems of a commit below a folder of it."""
    listed = _git(
        here, "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit, "--",
        *(posixpath.join(level, path) for path in (FILE, SYSTEMS)),
    )  # fmt: skip
    if listed.returncode != 0:
        raise BadInput([Problem(name, f"git says: {git.said(listed)}; correct that")])
    names = [os.fsdecode(part) for part in listed.stdout.split(b"\0") if part]
    relative = [posixpath.relpath(path, level or ".") for path in names]
    files = tuple(sorted(path for path in relative if _is_system(path)))

    def read(path: str) -> bytes:
        whole = posixpath.normpath(posixpath.join(level, path))
        if posixpath.isabs(whole) or whole.startswith("../") or whole == "..":
            raise FileNotFoundError(errno.ENOENT, "outside the repository", path)
        return batch.read(f"{commit}:{whole}", path)

    return Revision(name, files, read, f"{name}:{level}/" if level else f"{name}:")


def _upwards(below: str) -> Iterator[str]:
    """Yield a folder and all above it, the repository's own last as an empty name."""
    folder = "" if below == "." else below
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


def _folder(folder: Path, label: str, prefix: str) -> Revision:
    return Revision(label, _systems(folder), lambda path: files.content(folder / path), prefix)


def _systems(folder: Path) -> tuple[str, ...]:
    found = [folder / FILE, *folder.glob(f"{SYSTEMS}/*/{FILE}")]
    return tuple(sorted(file.relative_to(folder).as_posix() for file in found if file.is_file()))


def _is_system(path: str) -> bool:
    return re.fullmatch(rf"({SYSTEMS}/[^/]+/)?{re.escape(FILE)}", path) is not None


def _git(here: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return git.run(here, *words, otherwise="name two folders instead of revisions")


class _Batch:
    """One `git cat-file` that answers one read after another."""

    def __init__(self, here: Path) -> None:
        self._process = subprocess.Popen(
            ["git", "cat-file", "--batch", "--follow-symlinks"],
            cwd=here,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=git.environ(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def read(self, name: str, path: str) -> bytes:
        """Read an object. Raises OSError where it is not a file."""
        if "\n" in name or "\0" in name:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise TarmacError("git cat-file: no pipe to it")
        stdin.write(os.fsencode(name) + b"\n")
        stdin.flush()
        head = stdout.readline()
        if not head:
            raise TarmacError("git cat-file: ended too early; `git fsck` says what is broken")
        words = head.rstrip(b"\n").rsplit(b" ", 2)
        if head.rstrip(b"\n").endswith(b" missing"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        size = int(words[-1])
        content = stdout.read(size)
        stdout.read(1)  # the end of line behind it
        if words[0] in (b"dangling", b"loop", b"notdir", b"symlink"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        if words[-2] != b"blob":
            raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
        return content
