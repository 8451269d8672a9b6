"""Kustomizations that say themselves in which fields names stand."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items
from tarmac.check.gates.views.overlays.kustomizations import Kustomization

_RULES = ("configurations", "replacements", "vars")


def has_rules(artifact: Artifact) -> bool:
    """Tell whether a kustomization says itself which fields have names."""
    return any(artifact.data.get(key) for key in _RULES)


def ruled(own: Mapping[str, Artifact]) -> frozenset[str]:
    """List the folders that a kustomization with such rules includes: they are for these, too."""
    found = set[str]()
    todo = [folder for folder, artifact in own.items() if has_rules(artifact)]
    while todo:
        folder = todo.pop()
        listed = (*Kustomization(own[folder]).resources, *items(own[folder].data, "bases"))
        below = {posixpath.normpath(posixpath.join(folder, str(name))) for name in listed}
        todo += (new := (below & own.keys()) - found)
        found |= new
    return frozenset(found)
