"""Which folders of some files Applications follow, where no plan says it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.files import shown
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import App, applications

#: What says that a folder's files are not sent as they are.
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
PACKED = ("Chart.yaml", *KUSTOMIZATIONS)
#: A folder, and what is in it.
Found: TypeAlias = tuple[str, tuple[Artifact, ...]]
#: So many parts of a path tell a folder, where the top of its repository is elsewhere.
_ENOUGH = 2


class FollowedFolder(NamedTuple):
    """A folder that an Application follows, and what is in it."""

    app: App
    folder: str
    artifacts: tuple[Artifact, ...]

    @property
    def sent(self) -> Iterator[Artifact]:
        """Yield the files that are sent as they are: none of a chart or a kustomization."""
        parts = (posixpath.split(artifact.path) for artifact in self.artifacts)
        packed = {folder for folder, name in parts if name in PACKED}
        for artifact in self.artifacts:
            if not any(artifact.path.startswith(f"{folder}/") for folder in packed):
                yield artifact


def followed(files: Files) -> Iterator[FollowedFolder]:
    """Yield the folders that Applications follow.

    Where an Application's whole path is a folder here, its repository is this one, and those that
    follow another repository follow none of these. Else the files are a part of a repository, and
    the end of a path is enough, if one folder alone has it.
    """
    found = [
        (app, source, posixpath.normpath(source.path).strip("/"))
        for app in applications(files)
        for source in app.sources
        if source.path
    ]
    whole = {path: _whole(files, path) for _, _, path in found}
    ours = {one.repository for _, one, path in found if "/" in path and whole[path][1]}
    for app, source, path in found:
        folder, here = whole[path] if source.repository in ours else ("", ())
        if not ours:
            folder, here = _of_end(files, path)
        if source.include or source.exclude:
            here = tuple(one for one in here if source.takes(_path(one).removeprefix(f"{folder}/")))
        if here:
            yield FollowedFolder(app, folder, here)


def _whole(files: Files, path: str) -> Found:
    """List what is below a path from where the files were found."""
    top = shown(files.folder) if files.folder else "."
    folder = path if top == "." else f"{top}/{path}"
    return folder, tuple(one for one in files.below(path) if _path(one).startswith(f"{folder}/"))


def _of_end(files: Files, path: str) -> Found:
    """List what is in the one folder that has the most of a path's end."""
    parts = path.split("/")
    for start in range(max(len(parts) - _ENOUGH + 1, 1)):
        end = "/".join(parts[start:])
        if found := files.below(end):
            folders = {f"/{_path(one)}".partition(f"/{end}/")[0] for one in found}
            folder = f"{folders.pop()}/{end}".removeprefix("/")
            return (folder, found) if not folders else ("", ())
    return "", ()


def _path(artifact: Artifact) -> str:
    return artifact.built_by or artifact.path
