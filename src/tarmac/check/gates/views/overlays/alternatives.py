"""Files of which one is applied in place of another: each has the same object in its own form."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, name_of, space_of
from tarmac.check.gates.views.once import once

#: What each part of a system may bring along.
_SHARED = ("Namespace", "ServiceAccount")


def are_alternatives(files: Files, one: Artifact, other: Artifact) -> bool:
    """Tell whether two objects are of files that are not applied together."""
    if one.path == other.path or one.built_by or other.built_by:
        return False
    kept = dict(_kept(files))
    mine, others = kept.get(one.path, {}), kept.get(other.path, {})
    return any(mine[key] != others[key] for key in mine.keys() & others.keys())


@once
def _kept(files: Files) -> Iterator[tuple[str, dict[tuple[str, ...], object]]]:
    """Yield the files with what is in each of their objects, by what these are called."""
    found: dict[str, dict[tuple[str, ...], object]] = {}
    for artifact in files.objects():
        kind, name = kind_of(artifact), name_of(artifact)
        if name and kind not in _SHARED:
            key = (group_of(artifact), kind, space_of(artifact), name)
            found.setdefault(artifact.path, {})[key] = artifact.data
    yield from found.items()
