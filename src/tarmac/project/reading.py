"""Loads a system from the files of this machine: the one place that every verb reads a model by.

The model itself does no I/O; here it is given what reads files and what finds included revisions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.foreign import files
from tarmac.model import loader
from tarmac.model.joining import Read
from tarmac.model.system import System
from tarmac.project import lock
from tarmac.project.finder import NONE, Finder


def load(
    file: str,
    read: Read = files.content,
    *,
    root: Path | None = Path(),
    sources: Mapping[str, str] = NONE,
) -> System:
    """Load a system, and write into its lock the commits that are not there yet.

    Args:
        file: the path of `tarmac.yaml`; shown in errors as it is given.
        read: how a file is read.
        root: the folder that `file` is seen from; None: no lock is written.
        sources: a developer's own folders, by the names of the repositories that they replace.

    Raises:
        BadInput: every problem of all files, each with its place.
        MissingTool: a revision is not here yet, and there is no git.
    """
    finder = Finder(file, read, sources)
    system = loader.load(file, finder.read, finder.find)
    if root is not None and finder.is_new:
        lock.write(root / lock.name_of(file), finder.commits)
    return system


def check_names(names: Collection[str], system: System, option: str = "") -> None:
    """Refuse names of repositories that a system does not include, or several times.

    Raises:
        BadInput: names, or addresses, that are none.
    """
    included = {checkout.revision for checkout in system.repositories}
    known = {revision.name for revision in included}
    problems = []
    for name in names:
        urls = sorted({revision.url for revision in included if revision.is_named(name)})
        if not urls:
            what = f"no such repository is included; {did_you_mean(name, known)}"
            problems.append(Problem(f"{option}{name}", what))
        elif len(urls) > 1:
            what = f"{len(urls)} repositories have this name; write an address: {', '.join(urls)}"
            problems.append(Problem(f"{option}{name}", what))
    if problems:
        raise BadInput(problems)
