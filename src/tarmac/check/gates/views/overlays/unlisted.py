"""Files of objects that the kustomization beside them leaves out, so that nothing applies them."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, places, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import NAMES, kustomization_files

#: What applies a repository by itself, so that no folder is applied by hand: kinds and groups.
_FOLLOWING = {
    "Application": "argoproj.io",
    "ApplicationSet": "argoproj.io",
    "Kustomization": "kustomize.toolkit.fluxcd.io",
}
#: So many folders make a habit.
_SEVERAL = 2


@once
def unlisted(files: Files) -> Iterator[tuple[str, Artifact]]:
    """Yield files of objects that no kustomization names, with the one in their folder."""
    folders = {posixpath.dirname(one.path): one for one in kustomization_files(files)}
    named = _named(files)
    left: dict[str, Artifact] = {}
    for artifact in files.objects():
        beside = folders.get(posixpath.dirname(artifact.path))
        is_own = artifact.path in named or artifact.path.endswith(NAMES)
        if beside is not None and items(beside.data, "resources") and not is_own:
            left.setdefault(artifact.path, beside)
    yield from left.items()


def left_out(files: Files) -> frozenset[str]:
    """List the files that Flux or Argo CD, which apply this repository, are not led to."""
    found = files.objects(*_FOLLOWING)
    if not any(group_of(one) == _FOLLOWING[kind_of(one)] for one in found):
        return frozenset()
    named = _named(files)
    # Where each folder has one file that the list above names, another's is left out as well.
    beside = set[str]()
    for own in kustomization_files(files):
        folder = posixpath.dirname(own.path)
        listed = [posixpath.normpath(str(one)) for one in items(own.data, "resources")]
        ends = Counter(posixpath.basename(one) for one in listed if one.count("/") == 1)
        beside |= {
            posixpath.join(folder, "*", end) for end, count in ends.items() if count >= _SEVERAL
        }
    apart = {
        one.path
        for one in files.objects()
        if one.path not in named and posixpath.join(*_starred(one.path)) in beside
    }
    apart |= {path for path, _ in unlisted(files)}
    return frozenset(apart | {*_unfollowed(files), *_unlisted_folders(files)})


def _unfollowed(files: Files) -> Iterator[str]:
    """Yield the files of a folder that no Kustomization of Flux has, where one has its neighbour.

    Of a path without a kustomization Flux takes all that is below.
    """
    paths = _followed(files)
    beside = {posixpath.dirname(path) for path in paths}
    own = {posixpath.dirname(one.path): one.path for one in kustomization_files(files)}
    whole = tuple(f"{path}/" for path in paths - own.keys())
    reached = paths | _named(files)
    left = {
        folder
        for folder in own.keys() - reached
        if posixpath.dirname(folder) in beside and not folder.startswith(whole)
    }
    yield from (own[folder] for folder in left)
    yield from (one.path for one in files.artifacts if posixpath.dirname(one.path) in left)


def _unlisted_folders(files: Files) -> Iterator[str]:
    """Yield the files of folders that the kustomization above does not list, as it does others.

    Only where Flux alone applies the repository, and is led to no part of such a folder.
    """
    if any(
        group_of(one) == "argoproj.io" for one in files.objects("Application", "ApplicationSet")
    ):
        return
    paths = _followed(files)
    own = {posixpath.dirname(one.path) for one in kustomization_files(files)}
    whole = tuple(f"{path}/" for path in paths - own)
    for folder in sorted(own - _named(files) - paths):
        above, inside = posixpath.dirname(folder), f"{folder}/"
        is_listed = any(posixpath.dirname(one) == above for one in own & _named(files))
        if above not in own or not is_listed or folder.startswith(whole):
            continue
        others = {path for by, path in _texts(files) if not by.startswith(inside)}
        if not any(one.startswith(inside) for one in paths | others):
            yield from (one.path for one in files.artifacts if one.path.startswith(inside))


def _followed(files: Files) -> set[str]:
    """List the folders that Kustomizations of Flux apply."""
    flux = _FOLLOWING["Kustomization"]
    asked = (one for one in files.objects("Kustomization") if group_of(one) == flux)
    return {posixpath.normpath(path) for one in asked if (path := string(one.data, "spec", "path"))}


def _starred(path: str) -> tuple[str, str, str]:
    above, _, name = path.rpartition("/")
    return posixpath.dirname(above), "*", name


def _named(files: Files) -> frozenset[str]:
    return frozenset(path for _, path in _texts(files))


@once
def _texts(files: Files) -> Iterator[tuple[str, str]]:
    """Yield the paths that kustomizations name in any of their parts, with the one that does."""
    for own in kustomization_files(files):
        for _, text in places(own.data):
            if "\n" not in text:
                place = posixpath.join(posixpath.dirname(own.path), text)
                yield own.path, posixpath.normpath(place)
