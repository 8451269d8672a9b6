"""Argo CD's Applications as gates read them in files that nobody planned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates._gate import Files
from tarmac.gates._objects import dig


def applications(files: Files) -> Iterator[Artifact]:
    """Yield Argo CD's Applications, and no other program's."""
    for each in files.objects("Application"):
        if str(each.data["apiVersion"]).startswith("argoproj.io/"):
            yield each


def below(files: Files, application: Artifact) -> Iterator[Artifact]:
    """Yield what lies in the folder that an Application follows, or in one of its last words."""
    source = str(dig(application.data, "spec", "source", "path") or "").strip("/")
    if not source:
        return
    ends = [source, "/".join(source.split("/")[-2:])]
    for end in ends:
        found = [each for each in files.artifacts if _is_below(each.path, end)]
        if found:
            yield from found
            return


def heals(application: Artifact) -> bool:
    """Tell whether it puts back whatever somebody else changes."""
    return dig(application.data, "spec", "syncPolicy", "automated", "selfHeal") is True


def ignores(application: Artifact, pointer: str) -> bool:
    """Tell whether it leaves a field to others."""
    differences: Any = dig(application.data, "spec", "ignoreDifferences") or ()
    paths = [
        str(p)
        for e in differences
        for k in ("jsonPointers", "jqPathExpressions")
        for p in e.get(k) or ()
    ]
    return any(path.replace(".", "/") == pointer for path in paths)


def _is_below(path: str, end: str) -> bool:
    return f"/{PurePosixPath(path).parent}/".find(f"/{end}/") >= 0
