"""Finds the files of included revisions: a developer's own folder, else those of the locked commit.

Called by `reading` and `revisions`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files, git
from tarmac.model.include import Checkout, GitRevision
from tarmac.model.joining import Read
from tarmac.model.location import Location
from tarmac.project import lock

NONE: Mapping[str, str] = MappingProxyType({})


class Finder:
    """Finds included revisions: a developer's own files, else those of the locked commit."""

    def __init__(
        self,
        file: str,
        read: Read,
        sources: Mapping[str, str],
        names: Collection[str] = (),
        *,
        moves: bool = False,
    ) -> None:
        self._file, self._read, self._sources = file, read, sources
        self._moves, self._names = moves, names
        self._found: dict[GitRevision, Checkout] = {}
        self._locked: dict[GitRevision, str] | None = None
        #: The commits of what is included now.
        self.commits: dict[GitRevision, str] = {}
        #: Whether one of them is not in the lock.
        self.is_new = False

    def read(self, path: str) -> bytes:
        """Read a file: of a revision, no link leads out of it."""
        for checkout in self._found.values():
            if path.startswith(f"{checkout.folder}/"):
                return files.content(path, root=None if checkout.own else Path(checkout.folder))
        return self._read(path)

    def find(self, revision: GitRevision, place: Location) -> Checkout:
        """Find the files of a revision. Raises BadInput."""
        if revision not in self._found:
            self._found[revision] = self._checkout(revision, place)
        return self._found[revision]

    def _checkout(self, revision: GitRevision, place: Location) -> Checkout:
        if self._locked is None:
            self._locked = lock.locked(self._file, self._read)
        known = self._locked.get(revision, "")
        for name, own in self._sources.items():
            if not revision.is_named(name):
                continue
            if not Path(own).is_dir():
                what = f"the folder of --source {name}={own} is not there; correct it, or"
                back = f"go back to the revision: `tarmac up --source {name}=`"
                raise BadInput([Problem(str(place), f"{what} {back}")])
            self.commits |= {revision: known} if known else {}
            return Checkout(own, revision, own=True)
        moves = self._moves and (not self._names or any(map(revision.is_named, self._names)))
        folder, commit = _brought(revision, "" if moves else known, place)
        self.commits[revision] = commit
        self.is_new |= commit != known
        return Checkout(str(folder), revision)


def _brought(revision: GitRevision, known: str, place: Location) -> tuple[Path, str]:
    """Return the files and the commit of a revision. Raises BadInput.

    Args:
        known: the commit that it is to be; empty: the one that it is now.
    """
    from tarmac.project import repository  # noqa: PLC0415 - most systems include none

    def refused(what: str) -> BadInput:
        return BadInput([Problem(str(place), what)])

    if known and (folder := repository.folder_of(revision.url, known)).is_dir():
        return folder, known
    if os.environ.get(git.OFFLINE, "0") not in ("", "0"):
        what = f"{revision} ({known[:12] or 'not locked yet'}) is not on this machine, and offline"
        raise refused(f"{what} no repository is asked; do this once without --offline")
    try:
        if not known:
            commit = repository.commit_of(revision)
            return repository.bring(revision.url, commit), commit
        try:
            return repository.bring(revision.url, known), known
        except repository.GitFailure as failure:
            now = repository.commit_of(revision)
            if now == known:
                raise
            what = f"{revision.url} has no commit {known[:12]} any more, which is locked"
            ways = f"take that by `tarmac include {revision.name} --update`"
            raise refused(f"{what}; {revision.revision} is {now[:12]} now, {ways}") from failure
    except repository.GitFailure as failure:
        raise refused(str(failure)) from None
