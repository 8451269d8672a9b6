"""Definitions in a bundle for OLM, which were copied there at the last release."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput
from tarmac.base.foreign.files import text
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
    found = sorted(written.rglob(glob.escape(name))) if written is not None else []
    now = (one for path in found for one in _documents(files, path))
    return next((one for one in now if isinstance(one, Mapping) and "spec" in one), definition.data)


def _documents(files: Files, path: Path) -> Iterator[Any]:
    with contextlib.suppress(OSError, BadInput, yaml.YAMLError):
        yield from yaml.load_all(text(path, root=files.folder), yaml.CSafeLoader)
