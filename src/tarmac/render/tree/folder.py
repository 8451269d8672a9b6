"""Renders into a folder: scans it, decides, rejects or replaces it as a whole.

Called by the command line, with what the renderers made. The parts know no order of their own: what
differs and which side wins is decided by `decision`, how it reaches the disk by `swap`.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tarmac.base import writing
from tarmac.base.artifact import Artifact, write
from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.base.foreign import files
from tarmac.render.tree import edits, lock, successor, swap, within
from tarmac.render.tree.arguments import FileArguments, select
from tarmac.render.tree.decision import (
    DesiredFile,
    ExistingFile,
    FileRequest,
    TreeDecision,
    check_paths,
    collisions,
    decide,
)
from tarmac.render.tree.lock import FILE, TreeLock, digest

#: Beside the model, a folder for each environment.
PATCHES = "patches"
#: Files that may be in a folder that is rendered into for the first time: the checkout of a
#: repository for what is deployed, but not projects of users.
MOST_OTHERS = 1000


@dataclass(frozen=True)
class RenderSource:
    """What is rendered, and from where."""

    #: The model's file, by the name that every reader of the repository knows it by.
    model: str
    #: Its folder on this disk, with the patches.
    folder: Path
    system: str
    environment: str
    #: What a reader types to render it again.
    command: str
    #: The folder is a repository of others' files: only what is rendered is looked at and touched.
    among_others: bool = False

    @property
    def header(self) -> str:
        """The first line of each file."""
        return f"Rendered by Tarmac from {self.model}: {self.command}"

    @property
    def patches(self) -> str:
        """The folder of its patches, named as the model is."""
        return posixpath.join(posixpath.dirname(self.model), PATCHES, self.environment)

    def patch_of(self, path: str) -> Path:
        """Find the patch of a file on this disk."""
        return self.folder / PATCHES / self.environment / f"{path}{edits.END}"


@dataclass(frozen=True)
class RenderOutcome:
    """What was done, or would be."""

    folder: Path
    decision: TreeDecision
    #: All files that are rendered now, by path.
    wanted: Mapping[str, DesiredFile]
    #: Whether anything was written.
    written: bool
    #: Whether the lock differed: no renderer writes it.
    lock_differs: bool
    notes: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the folder is not what would be rendered."""
        made = self.decision
        return bool(made.written or made.removed or made.refused) or self.lock_differs


def render(
    folder: Path,
    source: RenderSource,
    made: Mapping[str, Iterable[Artifact]],
    request: FileArguments | None = None,
    *,
    all_renderers: bool = True,
) -> RenderOutcome:
    """Write what the renderers made; where an edit would be lost, write nothing.

    Args:
        folder: where to; it is made if it is not there.
        made: artifacts, by the id of their renderer.
        request: what the user says of single files.
        all_renderers: whether `made` is of all of them; others' files stay as they are.

    Raises:
        BadInput: a path that leaves the folder, a patch that does not apply, a folder that holds
            something else.
        TarmacError: another render is at it, or the disk refuses.
    """
    folder = check_folder(folder, source)
    hold: contextlib.AbstractContextManager[writing.Root | swap.Place] = (
        within.held(folder) if source.among_others else swap.held(folder)
    )
    with _disk_errors(folder), hold as place:
        seen = _look(folder, source, made, all_renderers, place)
        asked, new = _settle(seen, request or FileArguments())
        outcome = _outcome(seen, asked, new)
        if outcome.decision.refused or not outcome.differs:
            return outcome
        _replace(seen, outcome, new, place)
        return replace(outcome, written=True)


def check(
    folder: Path,
    source: RenderSource,
    made: Mapping[str, Iterable[Artifact]],
    *,
    all_renderers: bool = True,
) -> RenderOutcome:
    """Return what `render` would do; write nothing. Arguments and errors are those of `render`."""
    folder = check_folder(folder, source)
    with _disk_errors(folder):
        if not source.among_others:
            swap.refuse_busy(folder)
        return _outcome(_look(folder, source, made, all_renderers), FileRequest(), {})


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"{error.strerror or error} ({error.filename or folder})"
        raise TarmacError(f"{folder}: nothing is written: {what}") from error


def check_folder(folder: Path, source: RenderSource) -> Path:
    """Find the folder itself. Links to its repository are followed, links in that are refused.

    Raises:
        BadInput: a link leads to it; it holds what is not ours.
    """
    writing.refuse_links(folder)
    found, model = Path(os.path.realpath(folder)), Path(os.path.realpath(source.folder))
    what = ""
    if model.is_relative_to(found) and not source.among_others:
        what = "holds the model; render into a folder beside it, e.g. `--out deploy/production`"
    elif found.is_relative_to(model / PATCHES):
        what = "is the folder of patches; render into another folder"
    elif found == Path.home():
        what = "is your home folder; render into a subfolder"
    elif found.exists() and not found.is_dir():
        what = "is a file; name a folder"
    if what:
        raise BadInput([Problem(str(folder), what)])
    return found


@dataclass(frozen=True)
class _FolderScan:
    """A folder, its lock and its patches, as they were found; and what is rendered for it."""

    folder: Path
    source: RenderSource
    #: The requested renderers; None: all.
    ids: Collection[str] | None
    #: Before patches.
    rendered: Mapping[str, DesiredFile]
    scan: Mapping[str, os.stat_result]
    lock: TreeLock
    lock_text: str
    #: By the path of the file that they are of.
    patches: Mapping[str, str]
    present: Mapping[str, ExistingFile]


def _look(
    folder: Path,
    source: RenderSource,
    made: Mapping[str, Iterable[Artifact]],
    all_renderers: bool,
    place: writing.Root | swap.Place | None = None,
) -> _FolderScan:
    rendered = {
        artifact.path: DesiredFile(
            artifact.path, by, write(artifact, source.header).encode(), artifact.executable
        )
        for by, artifacts in made.items()
        for artifact in artifacts
    }
    check_paths(rendered)
    ours = {FILE, *rendered}
    if source.among_others:
        scan = within.scan(folder, ours)
    else:
        scan = place.scan() if isinstance(place, swap.Place) else successor.scan(folder)
    text = ""
    if FILE in scan:
        raw = files.content(folder / FILE, limit=files.MAX_GENERATED_BYTES, root=folder)
        text = raw.decode(errors="replace")
    elif not source.among_others:
        _refuse_crowd(folder, scan, rendered)
    found = _lock(folder, source, text)
    if source.among_others:
        scan = within.scan(folder, {*ours, *found.files})
    patches = edits.read(source.folder / PATCHES / source.environment)
    return _FolderScan(
        folder=folder,
        source=source,
        ids=None if all_renderers else set(made),
        rendered=rendered,
        scan=scan,
        lock=found,
        lock_text=text,
        patches={p: t for p, t in patches.items() if all_renderers or p in rendered},
        present={
            path: _present(folder / path, scan[path])
            for path in {*rendered, *found.files}
            if path in scan and not stat.S_ISDIR(scan[path].st_mode)
        },
    )


def _refuse_crowd(folder: Path, scan: Collection[str], rendered: Collection[str]) -> None:
    """Refuse a folder that was never rendered into and is full of something else."""
    others = [path for path in scan if path not in rendered and not path.startswith(".git/")]
    if len(others) > MOST_OTHERS:
        what = f"contains {len(others)} files that were not rendered; render into a subfolder"
        raise BadInput([Problem(str(folder), what)])


def _lock(folder: Path, source: RenderSource, text: str) -> TreeLock:
    if not text:
        return TreeLock(source.model, source.system, source.environment)
    found = lock.parse(text, str(folder / FILE))
    if (found.system, found.environment) != (source.system, source.environment):
        what = (
            f"holds {found.system} for {found.environment}; name another folder with --out, "
            "or remove this one"
        )
        raise BadInput([Problem(str(folder), what)])
    return replace(found, model=source.model)


def _present(file: Path, status: os.stat_result) -> ExistingFile:
    if not stat.S_ISREG(status.st_mode):
        return ExistingFile("")
    return ExistingFile(digest(file.read_bytes()), bool(status.st_mode & stat.S_IXUSR))


def _settle(seen: _FolderScan, request: FileArguments) -> tuple[FileRequest, dict[str, str]]:
    """Find the selected files, and make patches of their edits."""
    if not request:
        return FileRequest(), {}
    try:
        made = _outcome(seen, FileRequest(), {}).decision
    except BadInput:  # a patch that fails may be what the user is about to settle
        made = decide(seen.lock, seen.rendered, seen.present, ids=seen.ids)
    asked = select(request, seen.folder, made, seen.rendered, seen.present)
    return asked, {
        path: edits.patch_of_edit(
            seen.folder / path,
            path,
            seen.lock.files.get(path),
            seen.rendered[path],
            seen.patches.get(path),
            edits.name_of(seen.source.patches, path),
        )
        for path in sorted(asked.patch)
    }


def _outcome(seen: _FolderScan, asked: FileRequest, new: Mapping[str, str]) -> RenderOutcome:
    """Decide, with the patches that there are and `new` ones. Raises BadInput."""
    before = {path for path, entry in seen.lock.files.items() if entry.ejected}
    ejected = (before | asked.eject) - asked.discard - asked.patch
    kept = {**seen.patches, **new}
    wanted = edits.with_patches(seen.rendered, kept, seen.source.patches, ejected)
    made = decide(seen.lock, wanted, seen.present, ids=seen.ids, asked=asked)
    there = {p for p, status in seen.scan.items() if not stat.S_ISDIR(status.st_mode)}
    there = there - set(made.removed) | set(made.written)
    problems = [
        Problem(path, f"cannot be written: '{other}' is in the way; move it away")
        for path, other in collisions(there, made.written)
    ]
    if problems:
        raise BadInput(problems)
    notes = tuple(
        f"{edits.name_of(seen.source.patches, path)} has no effect: {path} is ejected"
        for path in sorted(kept.keys() & ejected)
    )
    return RenderOutcome(seen.folder, made, wanted, False, made.lock.text != seen.lock_text, notes)


def _replace(
    seen: _FolderScan,
    outcome: RenderOutcome,
    new: Mapping[str, str],
    place: writing.Root | swap.Place,
) -> None:
    """Put the new folder in the old one's place, after the patches that it was rendered with.

    Args:
        place: where it is built, or the open folder itself, which is written file by file.
    """
    made, wanted = outcome.decision, outcome.wanted
    removed = set(made.removed)
    contents = {path: (wanted[path].content, wanted[path].executable) for path in made.written}
    contents[FILE] = (made.lock.text.encode(), False)
    if isinstance(place, swap.Place):
        place.build(seen.scan, contents, removed)
    if not successor.is_as_seen(seen.folder, seen.scan, {*wanted, *seen.lock.files, FILE}):
        raise TarmacError(
            f"{seen.folder}: changed during the render, so nothing is written; try again"
        )
    _keep_patches(seen.source, new)
    if isinstance(place, swap.Place):
        swap.replace(place, contents, removed)
    else:
        within.write(place, contents, removed, last=FILE)


def _keep_patches(source: RenderSource, new: Mapping[str, str]) -> None:
    """Write patches, each as a whole; before the folder, which is rendered with them."""
    for path, text in new.items():
        writing.write_file(source.patch_of(path), text)
