"""Files of objects that the kustomization beside them leaves out, so that nothing applies them."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Container, Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import NAMES, kustomization_files
from tarmac.check.gates.views.overlays.named_paths import named_paths
from tarmac.check.gates.views.overlays.unfollowed import (
    FOLLOWING,
    unfollowed,
    unlisted_folders,
)

_OF_PATCHES = ("patch", "patches")
#: So many folders make a habit.
_SEVERAL = 2


@once
def unlisted(files: Files) -> Iterator[tuple[str, Artifact]]:
    """Yield files of objects that no kustomization names, with the one in their folder."""
    folders = {posixpath.dirname(one.path): one for one in kustomization_files(files)}
    named = named_paths(files)
    left: dict[str, Artifact] = {}
    for artifact in files.objects():
        beside = folders.get(posixpath.dirname(artifact.path))
        is_own = artifact.path in named or artifact.path.endswith(NAMES)
        if beside is not None and items(beside.data, "resources") and not is_own:
            left.setdefault(artifact.path, beside)
    yield from left.items()


def left_out(files: Files) -> frozenset[str]:
    """List the files that Flux or Argo CD, which apply this repository, are not led to."""
    found = files.objects(*FOLLOWING)
    if not any(group_of(one) == FOLLOWING[kind_of(one)] for one in found):
        return frozenset()
    named = named_paths(files)
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
    apart |= {path for path, _ in unlisted(files)} | {*_patches(files, named)}
    return frozenset(apart | {*unfollowed(files), *unlisted_folders(files)})


def _patches(files: Files, named: Container[str]) -> Iterator[str]:
    """Yield files in a folder of patches that the list above it names none of."""
    folders = {posixpath.dirname(one.path) for one in kustomization_files(files)}
    for one in files.objects():
        folder = posixpath.dirname(one.path)
        above, name = posixpath.split(folder)
        is_of_list = above in folders and folder not in folders and name in _OF_PATCHES
        if is_of_list and one.path not in named:
            yield one.path


def _starred(path: str) -> tuple[str, str, str]:
    above, _, name = path.rpartition("/")
    return posixpath.dirname(above), "*", name
