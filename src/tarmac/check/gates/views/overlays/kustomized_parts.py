"""The objects in files of a kustomization and of those that it includes, with their namespaces."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.overlays.kustomizations import Kustomization
from tarmac.check.gates.views.overlays.kustomized import objects_of


class KustomizedPart(NamedTuple):
    """An object of a file, and the namespace that it is put into."""

    path: str
    data: Mapping[str, Any]
    #: Empty: that of whatever applies it.
    namespace: str


def included(folder: str, artifact: Artifact) -> Iterator[str]:
    """Yield the paths of files and folders that a kustomization includes."""
    listed = (*Kustomization(artifact).resources, *items(artifact.data, "bases"))
    for name in map(str, (*listed, *items(artifact.data, "components"))):
        yield posixpath.normpath(posixpath.join(folder, name))


def parts_of(
    files: Files,
    folder: str,
    own: Mapping[str, Artifact],
    by_path: dict[str, list[Mapping[str, Any]]],
) -> Iterator[KustomizedPart]:
    """Yield the objects that a kustomization is built of; none of a part that renames them."""
    seen = set[str]()

    def below(folder: str, space: str) -> Iterator[KustomizedPart]:
        artifact = own.get(folder)
        if artifact is None or folder in seen:
            return
        if seen and any(map(artifact.data.get, ("namePrefix", "nameSuffix"))):
            return
        seen.add(folder)
        space = space or Kustomization(artifact).namespace or ""
        for path in included(folder, artifact):
            for one in objects_of(files, path, by_path):
                written = string(fields(one, "metadata"), "namespace")
                yield KustomizedPart(path, one, space or written)
            yield from below(path, space)

    yield from below(folder, "")
