"""Definitions in a bundle for OLM, which were copied there at the last release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk

#: Where Operator SDK keeps the copies, and what controller-gen writes.
_COPIES, _WRITTEN = "bundle/manifests/", "config/crd"


def current(files: Files, definition: Artifact) -> Mapping[str, Any]:
    """Return a definition, or what it was copied from where that says something else by now."""
    root, copies, name = f"/{definition.path}".rpartition(_COPIES)
    if not copies or "/" in name:
        return definition.data
    written = on_disk(files, f"{root.removeprefix('/')}{_WRITTEN}")
    found = sorted(written.rglob(name)) if written is not None and written.is_dir() else []
    now = (one for path in found for one in _documents(path.read_text("utf-8")))
    return next((one for one in now if isinstance(one, Mapping) and "spec" in one), definition.data)


def _documents(text: str) -> Iterator[Any]:
    try:
        yield from yaml.load_all(text, yaml.CSafeLoader)
    except yaml.YAMLError:
        return
