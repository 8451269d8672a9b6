"""Scripts of a shell that images start, found by what a Dockerfile calls them."""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import basename, join, normpath

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files

Scripts = Mapping[str, list[Artifact]]


def scripts_of(files: Files) -> Scripts:
    """List the scripts by their paths, and by their names behind `/`."""
    found: dict[str, list[Artifact]] = {}
    for file in files.artifacts:
        if file.path.endswith(".sh"):
            for name in (file.path, f"/{basename(file.path)}"):
                found.setdefault(name, []).append(file)
    return found


def script_beside(scripts: Scripts, folder: str, name: str) -> Artifact | None:
    """Find a script beside a Dockerfile, or the one of its name: a build may begin above."""
    beside = scripts.get(normpath(join(folder, name)), [])
    known = beside or scripts.get(f"/{name}", [])
    return known[0] if beside or len(known) == 1 else None
