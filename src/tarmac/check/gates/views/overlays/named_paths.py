"""Paths that kustomizations name in any of their parts."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from tarmac.base.foreign.reading import places
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files


def named_paths(files: Files) -> frozenset[str]:
    """List the paths that kustomizations name."""
    return frozenset(path for _, path in texts(files))


@once
def texts(files: Files) -> Iterator[tuple[str, str]]:
    """Yield the paths that kustomizations name in any of their parts, with the one that does."""
    for own in kustomization_files(files):
        for _, text in places(own.data):
            if "\n" not in text:
                place = posixpath.join(posixpath.dirname(own.path), text)
                yield own.path, posixpath.normpath(place)
