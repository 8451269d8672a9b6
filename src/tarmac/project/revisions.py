"""What a system includes by revision: its locked commits, and moving them.

Called by `tarmac include`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files
from tarmac.model import loader
from tarmac.model.include import GitRevision
from tarmac.project import lock, repository
from tarmac.project.finder import NONE, Finder
from tarmac.project.reading import check_names, load

#: Digits of a commit that are shown.
SHORT = 12


@dataclass(frozen=True)
class IncludedRevision:
    """A revision that a system includes."""

    revision: GitRevision
    #: The locked one; empty where a developer's folder is all that was ever read.
    commit: str
    folder: str
    #: Whether the folder is a developer's own.
    own: bool
    #: Its commit in the repository, where that was asked.
    now: str = ""

    @property
    def is_behind(self) -> bool:
        """Whether the revision is another commit than the locked one."""
        return bool(self.now) and self.now != self.commit

    def __str__(self) -> str:
        what = f"{self.revision.name}  {self.revision}  {self.commit[:SHORT] or 'not locked'}"
        if self.own:
            what += f"; {self.folder} is in its place"
        if self.is_behind:
            what += f"; it is {self.now[:SHORT]} now, take that by "
            what += f"`tarmac include {self.revision.name} --update`"
        return what

    def as_data(self) -> dict[str, Any]:
        """Write it as plain data, for --json."""
        return {
            "name": self.revision.name,
            "git": self.revision.url,
            "revision": self.revision.revision,
            "commit": self.commit,
            "folder": self.folder,
            "own": self.own,
            "now": self.now,
        }


@dataclass(frozen=True)
class RevisionMove:
    """What became of a revision that was asked to move."""

    revision: GitRevision
    #: Its commit before; empty where it had none.
    before: str
    after: str

    def __str__(self) -> str:
        name = f"{self.revision.name}  {self.revision}"
        if self.before == self.after:
            return f"{name}  {self.after[:SHORT]}, as before"
        return f"{name}  {self.before[:SHORT] or 'nothing'} -> {self.after[:SHORT]}"

    def as_data(self) -> dict[str, Any]:
        """Write it as plain data, for --json."""
        return {
            "name": self.revision.name,
            "git": self.revision.url,
            "revision": self.revision.revision,
            "before": self.before,
            "after": self.after,
        }


def listed(
    file: str, names: Collection[str], sources: Mapping[str, str], *, asks: bool = False
) -> tuple[IncludedRevision, ...]:
    """List the revisions that a system includes, of these names, or all without.

    Args:
        sources: a developer's folders by the names of the repositories that they replace.
        asks: ask each repository what its revision is now.

    Raises:
        BadInput: the model is wrong, no such repository is included, or one cannot be asked.
    """
    system = load(file, sources=sources)
    check_names(names, system)
    commits = lock.locked(file, files.content)
    chosen = [
        one for one in system.repositories if not names or any(map(one.revision.is_named, names))
    ]
    try:
        return tuple(
            IncludedRevision(
                one.revision,
                commits.get(one.revision, ""),
                one.folder,
                one.own,
                repository.commit_of(one.revision) if asks else "",
            )
            for one in chosen
        )
    except repository.GitFailure as failure:
        raise BadInput([Problem(file, str(failure))]) from None


def moved(file: str, names: Collection[str]) -> tuple[RevisionMove, ...]:
    """Ask the repositories of these names, of all without, for their commits, and lock these.

    Raises:
        BadInput: no such repository is included, or whatever is wrong with the new commits.
    """
    before = lock.locked(file, files.content)
    finder = Finder(file, files.content, NONE, names, moves=True)
    check_names(names, loader.load(file, finder.read, finder.find))
    if finder.commits != before:
        lock.write(Path(lock.name_of(file)), finder.commits)
    return tuple(
        RevisionMove(revision, before.get(revision, ""), commit)
        for revision, commit in finder.commits.items()
        if not names or any(map(revision.is_named, names))
    )
