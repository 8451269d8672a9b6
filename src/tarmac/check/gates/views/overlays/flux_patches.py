"""What Flux's Kustomizations add to the objects below the folder that they apply."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import from_yaml
from tarmac.base.foreign.reading import Fields, dig, items, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.file_documents import documents
from tarmac.check.gates.views.overlays.kustomizations import Kustomization, kustomization_files

GROUP = "kustomize.toolkit.fluxcd.io/"
_MOST_BYTES = 100_000
_GROUP, _WORDS = b"kustomize.toolkit.fluxcd.io", (b"patches:", b"targetNamespace:")


class FluxPatch(NamedTuple):
    """A patch, the folder whose objects it may be of, and their kind."""

    #: Empty: any.
    folder: str
    #: Empty: any.
    kind: str
    data: Any


def adds(files: Files, artifact: Artifact, path: Sequence[str | int]) -> bool:
    """Tell whether a patch may write a field of an object before an API server reads it."""
    file = f"/{artifact.path}"
    return any(
        dig(one.data, *path) is not None
        for one in _patches(files)
        if one.kind in ("", kind_of(artifact)) and (not one.folder or f"/{one.folder}/" in file)
    )


def target_namespaces(files: Files) -> Iterator[str]:
    """Yield the folders all of which a Kustomization of Flux puts into one namespace."""
    for data in flux_kustomizations(files):
        is_flux = string(data, "apiVersion").startswith(GROUP)
        if is_flux and string(data, "spec", "targetNamespace"):
            yield posixpath.normpath(string(data, "spec", "path")).strip("/")


def flux_kustomizations(files: Files) -> Iterator[Fields]:
    """Yield those of these files, and those that a kustomization here has as parts or patches."""
    own = files.objects("Kustomization")
    yield from (artifact.data for artifact in own)
    known = {artifact.path for artifact in own}
    for artifact in kustomization_files(files):
        patches = (string(one, "path") for one in items(artifact.data, "patches"))
        for name in map(str, (*Kustomization(artifact).resources, *filter(None, patches))):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(artifact.path), name))
            place = on_disk(files, path) if path not in known else None
            if place is not None and _has_patches(place):
                yield from (one for one in documents(place) if isinstance(one, Mapping))


def _has_patches(place: Path) -> bool:
    if not place.is_file() or place.stat().st_size > _MOST_BYTES:
        return False
    text = place.read_bytes()
    return _GROUP in text and any(word in text for word in _WORDS)


@once
def _patches(files: Files) -> Iterator[FluxPatch]:
    for data in flux_kustomizations(files):
        path = string(data, "spec", "path")
        folder = posixpath.normpath(path).strip("/") if path else ""
        # Without a path it is itself a patch, of Kustomizations in any folder.
        if string(data, "apiVersion").startswith(GROUP) and folder != ".":
            for patch in _read(data, folder):
                yield patch
                # One that adds patches to Kustomizations is of objects in their folders.
                yield from _read(patch.data, "") if patch.kind == "Kustomization" else ()


def _read(data: Any, folder: str) -> Iterator[FluxPatch]:
    for patch in items(data, "spec", "patches"):
        try:
            read = next(iter(from_yaml(str(dig(patch, "patch") or ""))), None)
        except yaml.YAMLError:
            continue
        kind = dig(patch, "target", "kind") or dig(read, "kind")
        yield FluxPatch(folder, str(kind or ""), read)
