"""Reads a rendered tree back as it stands on disk, edits by hand included."""

from __future__ import annotations

import errno
import os.path
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tarmac.base.artifact import Artifact, recognised
from tarmac.base.artifact import read as read_yaml
from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files
from tarmac.base.report import Finding, Tree
from tarmac.check.verify.folder import READING
from tarmac.check.verify.folder import unread as about_yaml
from tarmac.render.tree.lock import FILE

if TYPE_CHECKING:
    from tarmac.plan.cluster import ClusterPlan


@dataclass(frozen=True)
class JudgedTree:
    """The files of an environment that are judged, and where they were found."""

    artifacts: tuple[Artifact, ...]
    #: None: they were rendered in memory.
    folder: Path | None
    #: Files of the folder that could not be judged, and why.
    unread: tuple[Finding, ...] = ()

    def described(self, environment: str, differing: int, context: str) -> Tree:
        """Say for a report what was judged, and how many files are not what the model renders.

        Args:
            context: of the cluster that was looked at, too.
        """
        return Tree(environment, str(self.folder) if self.folder else "", differing, context)


def find(
    tree: Path | None,
    file: Path,
    plan: ClusterPlan,
    rendered: tuple[Artifact, ...],
    *,
    in_memory: bool,
) -> JudgedTree:
    """Find what is judged of an environment: the tree on disk, or else what the model renders.

    Args:
        tree: the folder; None: the one beside the model that `tarmac render` writes by default.
        in_memory: look at no disk.

    Raises:
        BadInput: the folder that was named has no files.
    """
    default = file.parent / "deploy" / plan.environment
    folder = tree or (default if (default / FILE).is_file() else None)
    if folder is None or in_memory:
        return JudgedTree(rendered, None)
    found, unread = read(folder, rendered, among_others=plan.settings.target == "repository")
    return JudgedTree(found, folder, unread)


def read(
    tree: Path, rendered: Iterable[Artifact], *, among_others: bool = False
) -> tuple[tuple[Artifact, ...], tuple[Finding, ...]]:
    """Read every file of a tree.

    Args:
        rendered: what the model gives today: says which line of it a file comes from, and which
            files are text for another program (a chart, an overlay) whatever they look like.
        among_others: a foreign repository: what is rendered and its workflows are read.

    Returns:
        The files, and a finding for each that cannot be judged; images and archives are passed
        over.

    Raises:
        BadInput: there are no files in it, or one that is not a regular file, which other programs
            would wait for.
    """
    known = {artifact.path: artifact for artifact in rendered}
    found: list[Artifact] = []
    unread: list[Finding] = []
    problems: list[Problem] = []
    paths = {*tree.glob(".github/workflows/*"), *(tree / name for name in known)}
    for path in sorted(paths if among_others else tree.rglob("*")):
        if path.is_dir() or not os.path.lexists(path):
            continue
        name = files.shown(path.relative_to(tree))
        made = known.get(name)
        try:
            contents = _contents(path, name, tree, unread, made)
        except OSError as error:
            if error.errno != errno.EFBIG:
                problems.append(Problem(str(tree / name), files.unread(error)))
            else:
                unread.append(_not_judged(Problem(name, files.unread(error))))
            continue
        except BadInput as error:
            unread += map(_not_judged, error.problems)
            continue
        found += contents
    if not found and not problems:
        problems = [Problem(str(tree), "it has no files; `tarmac render` writes them")]
    if problems:
        raise BadInput(problems)
    return tuple(found), tuple(unread)


def _not_judged(problem: Problem) -> Finding:
    what = f"{problem.what}; it was not judged"
    return Finding(problem.where, what, READING, warning=True)


def _as_made(read: Artifact, made: Artifact | None) -> Artifact:
    """Give a file the place and the format that its renderer declares, if one makes it."""
    if made is None:
        return replace(read, format=recognised(read.content))
    return replace(read, place=made.place, format=made.format)


def _contents(
    path: Path, name: str, tree: Path, unread: list[Finding], made: Artifact | None
) -> list[Artifact]:
    """Read the documents of a file; none of an image or an archive."""
    raw = files.content(path, root=tree)
    if b"\0" in raw:
        return []
    text = files.decoded(raw, name)
    try:
        return content_of(name, text, made)
    except yaml.YAMLError as error:
        unread.append(about_yaml(name, text, error))
        return [_as_made(Artifact(name, text), made)]


def content_of(path: str, text: str, made: Artifact | None) -> list[Artifact]:
    """Read each document of a YAML file; the text of another, and of a template of a chart.

    Args:
        made: the file as the model renders it today, if it does.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    as_text = made is not None and isinstance(made.content, str)
    is_yaml = path.endswith((".yaml", ".yml")) and not as_text
    found = read_yaml(path, text) if is_yaml else [Artifact(path, text)]
    return [_as_made(one, made) for one in found]
