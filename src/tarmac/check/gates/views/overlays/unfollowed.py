"""Folders that Flux, which applies a repository, is not led to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatch

from tarmac.base.foreign.reading import string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.overlays.named_paths import named_paths, texts

#: What applies a repository by itself, so that no folder is applied by hand: kinds and groups.
FOLLOWING = {
    "Application": "argoproj.io",
    "ApplicationSet": "argoproj.io",
    "Kustomization": "kustomize.toolkit.fluxcd.io",
}
#: What Flux fills in.
_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+")


def unfollowed(files: Files) -> Iterator[str]:
    """Yield the files of a folder that no Kustomization of Flux has, where one has its neighbour.

    Of a path without a kustomization Flux takes all that is below.
    """
    paths = _followed(files)
    beside = {posixpath.dirname(path) for path in paths}
    own = {posixpath.dirname(one.path): one.path for one in kustomization_files(files)}
    reached = paths | named_paths(files)
    left = {
        folder
        for folder in own.keys() - reached
        if posixpath.dirname(folder) in beside
        and not _is_taken(folder, paths, own)
        and not _may_be(folder, paths)
    }
    yield from (own[folder] for folder in left)
    yield from (one.path for one in files.artifacts if posixpath.dirname(one.path) in left)


def unlisted_folders(files: Files) -> Iterator[str]:
    """Yield the files of folders that the kustomization above does not list, as it does others.

    Only where Flux alone applies the repository, and is led to no part of such a folder.
    """
    if _has_argo(files):
        return
    paths, named = _followed(files), named_paths(files)
    own = {posixpath.dirname(one.path) for one in kustomization_files(files)}
    listing = {posixpath.dirname(one) for one in own & named} & own
    # Where Flux, or a kustomization of another folder, goes into it.
    entered = {above for path in paths for above in _above(path)}
    entered |= {a for by, path in texts(files) for a in _above(path) if not by.startswith(f"{a}/")}
    left = {
        folder
        for folder in own - named - paths - entered
        if posixpath.dirname(folder) in listing
        and not _is_taken(folder, paths, own)
        and not _may_be(folder, paths)
    }
    for one in files.artifacts if left else ():
        if any(above in left for above in _above(one.path)):
            yield one.path


def is_led_to(files: Files, folder: str) -> bool:
    """Tell whether a list or Flux may go into a folder; where Flux applies nothing, all may be."""
    paths = _followed(files)
    if not paths or folder in named_paths(files) or _has_argo(files):
        return True
    return _may_be(folder, paths)


def _may_be(folder: str, paths: Collection[str]) -> bool:
    """Tell whether a folder is one of those, whatever Flux fills in.

    Their paths begin in the repository, which may be below the folder that is judged.
    """
    return any(fnmatch(f"/{folder}", f"*/{_VARIABLE.sub('*', path)}") for path in paths)


def _has_argo(files: Files) -> bool:
    found = files.objects("Application", "ApplicationSet")
    return any(group_of(one) == "argoproj.io" for one in found)


def _above(path: str) -> Iterator[str]:
    """Yield the folders that a path is in, the nearest first."""
    while path := posixpath.dirname(path):
        if path == "/":
            return
        yield path


def _is_taken(folder: str, paths: Collection[str], own: Collection[str]) -> bool:
    """Tell whether Flux takes a folder with all that is below its path, down to the first list."""
    place = posixpath.dirname(folder)
    while place and place not in own:
        if place in paths:
            return True
        place = posixpath.dirname(place)
    return False


def _followed(files: Files) -> set[str]:
    """List the folders that Kustomizations of Flux apply."""
    flux = FOLLOWING["Kustomization"]
    asked = (one for one in files.objects("Kustomization") if group_of(one) == flux)
    return {posixpath.normpath(path) for one in asked if (path := string(one.data, "spec", "path"))}
