"""Decides about each file of a folder from the lock, the disk and the rendered files.

Pure; all of it is decided before anything is written. A file whose bytes are what would be written
never counts as edited: so an interrupted render, a merge, or a lost lock repair themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tarmac.base.errors import BadInput, Problem
from tarmac.render.tree.lock import FILE, LockEntry, TreeLock, digest


@dataclass(frozen=True)
class DesiredFile:
    """A file as it will be written."""

    path: str
    #: The renderer's id.
    by: str
    content: bytes
    executable: bool = False
    #: Of the text before its patch, where there is one, and the patch's path.
    rendered: str = ""
    patch: str = ""

    @property
    def entry(self) -> LockEntry:
        """Its line of the lock."""
        return LockEntry(self.by, digest(self.content), self.rendered, self.patch)


@dataclass(frozen=True)
class ExistingFile:
    """The present file at a path of the folder."""

    #: Of the content; empty for what is not a plain file.
    sha256: str
    executable: bool = False


@dataclass(frozen=True)
class FileRequest:
    """The requests for single files, by their paths in the folder."""

    patch: frozenset[str] = frozenset()
    eject: frozenset[str] = frozenset()
    discard: frozenset[str] = frozenset()


@dataclass
class TreeDecision:
    """The files to write and to remove, and those that block the render."""

    lock: TreeLock
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    #: Edited by hand since they were rendered.
    edited: list[str] = field(default_factory=list)
    #: Those of them that no renderer makes any more.
    orphaned: list[str] = field(default_factory=list)
    #: Not rendered, in the place of a rendered file.
    in_the_way: list[str] = field(default_factory=list)
    #: The user's own.
    ejected: list[str] = field(default_factory=list)
    #: Those of them of which something else is rendered than when they were ejected.
    outdated: list[str] = field(default_factory=list)

    @property
    def refused(self) -> list[str]:
        """Files that would be lost: while there is one, nothing is written."""
        return sorted([*self.edited, *self.in_the_way])

    @property
    def written(self) -> list[str]:
        """Files that are written."""
        return sorted([*self.added, *self.changed])


def decide(
    lock: TreeLock,
    wanted: Mapping[str, DesiredFile],
    present: Mapping[str, ExistingFile],
    *,
    ids: Collection[str] | None = None,
    asked: FileRequest = FileRequest(),
) -> TreeDecision:
    """Decide about each file.

    Args:
        present: every path of the lock and of `wanted` where something stands.
        ids: the renderers that were asked for, all without; others' files stay as they are.
    """
    entries: dict[str, LockEntry] = {}
    made = TreeDecision(TreeLock(lock.model, lock.system, lock.environment, entries))
    for path in sorted({*lock.files, *wanted}):
        entry, want = lock.files.get(path), wanted.get(path)
        if want is None and entry is not None and ids is not None and entry.by not in ids:
            entries[path] = entry
            continue
        if _is_ejected(path, entry, asked):
            entries[path] = _eject(path, entry, want, asked, made)
            continue
        if want is not None:
            entries[path] = want.entry
        settled = path in asked.discard | asked.patch
        _settle(path, entry, want, present.get(path), settled, made)
    return made


def _is_ejected(path: str, entry: LockEntry | None, asked: FileRequest) -> bool:
    if path in asked.eject:
        return True
    return entry is not None and entry.ejected and path not in asked.discard | asked.patch


def _eject(
    path: str,
    entry: LockEntry | None,
    want: DesiredFile | None,
    asked: FileRequest,
    made: TreeDecision,
) -> LockEntry:
    made.ejected.append(path)
    base = want.entry.base if want else ""
    if entry is None or path in asked.eject:
        by = want.by if want else entry.by if entry else ""
        return LockEntry(by, base or (entry.base if entry else ""), ejected=True)
    if base and base != entry.sha256:
        made.outdated.append(path)
    return entry


def _settle(
    path: str,
    entry: LockEntry | None,
    want: DesiredFile | None,
    here: ExistingFile | None,
    settled: bool,
    made: TreeDecision,
) -> None:
    """Put a file that is not ejected into one of the lists."""
    if here is None:
        if want is not None:
            made.added.append(path)
        return
    fresh = want is not None and want.entry.sha256 == here.sha256
    ours = entry is not None and not entry.ejected and entry.sha256 == here.sha256
    if not fresh and not ours and not settled:
        (made.in_the_way if entry is None else made.edited).append(path)
        if want is None:
            made.orphaned.append(path)
    elif want is None:
        made.removed.append(path)
    elif fresh and want.executable == here.executable:
        made.unchanged.append(path)
    else:
        made.changed.append(path)


def check_paths(paths: Iterable[str]) -> None:
    """Refuse paths of artifacts that leave the folder, or that no two systems read alike.

    Raises:
        BadInput: absolute, with `..`, in `.git`, the lock's own, or the same but for the case.
    """
    problems = []
    folded: dict[str, str] = {}
    for path in sorted(paths):
        parts = path.split("/")
        if "" in parts or not {".", "..", ".git"}.isdisjoint(parts) or "\\" in path or "\0" in path:
            problems.append(Problem(path, "is outside the rendered folder; choose another name"))
        elif path == FILE:
            problems.append(Problem(path, "is the name of the lock file; choose another name"))
        elif (other := folded.setdefault(path.casefold(), path)) != path:
            what = f"is '{other}' on a case-insensitive disk; choose another name"
            problems.append(Problem(path, what))
    if problems:
        raise BadInput(problems)


def collisions(files: Iterable[str], written: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of a path that is written and a file, or a link, that stands in for its folder.

    Args:
        files: every path that is there in the end and no folder, `written` among them.
    """
    files = set(files)
    folders = {parent: path for path in files for parent in above(path)}
    for path in written:
        yield from ((path, parent) for parent in above(path) if parent in files)
        if path in folders:
            yield path, folders[path]


def above(path: str) -> Iterator[str]:
    """Yield the folders that a path is in, outermost first."""
    parts = path.split("/")
    for number in range(1, len(parts)):
        yield "/".join(parts[:number])
