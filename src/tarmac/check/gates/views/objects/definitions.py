"""Definitions of kinds: what an API server refuses of one by its own code."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, string
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import name_of


def definition_faults(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield what an API server refuses of a definition of a kind."""
    spec = fields(artifact.data, "spec")
    wanted = f"{string(spec, 'names', 'plural')}.{string(spec, 'group')}"
    name = name_of(artifact)
    is_whole = "" not in (name, *wanted.split(".")) and not any(map(is_mark, (name, wanted)))
    if spec and is_whole and wanted != name:
        yield ("metadata", "name"), f"must be called {wanted}, for its plural and group; rename it"
    versions = [fields(one) for one in items(spec, "versions")]
    stored = [string(one, "name") for one in versions if one.get("storage") is True]
    is_told = not any(is_mark(one.get("storage")) for one in versions)
    if versions and len(stored) != 1 and is_told:
        what = f"stores {len(stored)} of its versions ({', '.join(stored) or 'none'})"
        yield ("spec", "versions"), f"{what}, and must store one; write `storage: true` once"
    names = [string(one, "name") for one in versions]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield ("spec", "versions"), f"has the version {name} twice; remove one"
