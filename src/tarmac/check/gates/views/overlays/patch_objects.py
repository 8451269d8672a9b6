"""Of which object a patch of a kustomization is by its own text, and which names it gives."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tarmac.base.foreign.data import from_yaml
from tarmac.base.foreign.reading import Fields, dig, fields, items, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk


def object_of(files: Files, folder: str, patch: Fields) -> tuple[str, str]:
    """Read the kind and name of the object that a patch without a target is of, by its own text."""
    found = _read(files, folder, patch)
    if not isinstance(found, Mapping) or found.get("$patch"):
        return "", ""
    return str(found.get("kind") or ""), string(dig(found, "metadata"), "name")


def deletes(files: Files, folder: str, patch: Fields) -> bool:
    """Tell whether a patch deletes what it is for: without that there is nothing to delete."""
    found = _read(files, folder, patch)
    return isinstance(found, Mapping) and found.get("$patch") == "delete"


def renamed(files: Files, folder: str, data: Fields) -> Iterator[tuple[str, str]]:
    """Yield the kind and the new name of what patches rename; the name "" is not known."""
    for patch in items(data, "patches"):
        if fields(patch, "options").get("allowNameChange"):
            kind, name = object_of(files, folder, patch)
            yield kind or string(fields(patch, "target"), "kind"), name


def _read(files: Files, folder: str, patch: Fields) -> Any:
    """Read the first document of a patch, which is in a file or in its own text."""
    text = string(patch, "patch")
    path = posixpath.normpath(posixpath.join(folder, string(patch, "path")))
    place = on_disk(files, path) if string(patch, "path") and path[:2] != ".." else None
    if place is not None and place.is_file():
        text = place.read_text(encoding="utf-8", errors="replace")
    try:
        return next(iter(from_yaml(text)), None)
    except yaml.YAMLError:
        return None
